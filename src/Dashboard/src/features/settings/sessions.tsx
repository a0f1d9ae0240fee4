import { untracked, useSignalEffect } from '@preact/signals';
import { useState } from 'preact/hooks';
import { answerOf, api } from '../../api/client';
import { words } from '../../api/refusal';
import type { Session } from '../../api/types';
import type { Action } from '../../ui/action';
import { ActionButton } from '../../ui/action-button';
import { Age } from '../../ui/clock';
import { Fault } from '../../ui/fault';
import { live } from '../../ui/live';

/** The other open sessions, and the ways to end them; hidden without any. */
export function Sessions() {
  const [others, setOthers] = useState<readonly Session[]>([]);
  const [fault, setFault] = useState<string | null>(null);
  const read = () =>
    answerOf(api.GET('/api/sessions')).then(
      ({ sessions }) => {
        setOthers(sessions.filter((session) => !session.current));
        setFault(null);
      },
      (e: unknown) => setFault(words(e)),
    );
  // Again after the host was away; the bar over the page says so in between.
  useSignalEffect(() => {
    if (live.connection.value.state === 'live') untracked(() => void read());
  });
  if (others.length === 0) return <Fault error={fault} />;
  const all: Action = {
    id: 'end-sessions',
    label: '■ 3ND 0TH3RS',
    of: 'sessions but this one',
    weight: 'danger',
    hold: true,
    run: () => api.POST('/api/sessions/end').finally(read),
  };
  return (
    <section class="group" aria-labelledby="settings-Sessions">
      <h2 id="settings-Sessions">Other sessions</h2>
      <ActionButton action={all} />
      <Fault error={fault} />
      <ul class="session-rows" aria-labelledby="settings-Sessions">
        {others.map((session) => (
          <li key={session.id}>
            <span>
              <bdi>{session.client ?? 'unknown browser'}</bdi>{' '}
              <span class="dim">
                from <bdi class="mono">{session.address ?? 'unknown'}</bdi>, open for <Age at={session.opened_at} />,
                unused for <Age at={session.last_used_at} />
              </span>
            </span>
            <ActionButton action={end(session, read)} />
          </li>
        ))}
      </ul>
    </section>
  );
}

const end = ({ id, client }: Session, after: () => Promise<void>): Action => ({
  id: `end-session-${id}`,
  label: '■ 3ND S3SS10N',
  of: `${client ?? 'unknown browser'}, ${id}`,
  hold: true,
  run: () => api.POST('/api/sessions/{id}/end', { params: { path: { id } } }).finally(after),
});
