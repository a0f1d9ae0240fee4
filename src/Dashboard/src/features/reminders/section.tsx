import { memo } from 'preact/compat';
import { useState } from 'preact/hooks';
import { api } from '../../api/client';
import type { Reminder } from '../../api/types';
import { Act } from '../../ui/act';
import { useBounded } from '../../ui/bounded';
import { Clock, Until } from '../../ui/clock';
import { Refused } from '../../ui/fault';
import { Section } from '../../ui/section';
import { AgentText } from '../files';
import { ATTEMPTS, failed, givenUp } from './reminder';
import { reminders } from './store';

const STEP = 50;
/** Of a longer reminder only the beginning is shown: it may be as long as a line of the socket protocol. */
const CHARS = 800;

/** The pending reminders, with those that could not be delivered. */
export function RemindersSection() {
  const pending = reminders.all.value;
  const failures = reminders.failures.value;
  const { shown, more } = useBounded(pending, STEP);
  return (
    <Section
      feature="reminders"
      id="reminders"
      title="QU3U3D R3M1ND3RS"
      plain="Pending reminders"
      aside={
        <span class="counts">
          {failures > 0 ? <span class="badge bad">⚠ {failures} failed</span> : null}
          {pending.length > 0 ? <span class="count">{pending.length} pending</span> : null}
        </span>
      }
    >
      {pending.length === 0 ? (
        <p class="empty">No pending reminders. An agent sets one for itself with the tool “remind”.</p>
      ) : (
        <div class="scroll framed" tabIndex={0} role="group" aria-label="Pending reminders">
          <ul class="rows">
            {shown.map((reminder) => (
              <Row key={reminder.id} reminder={reminder} />
            ))}
          </ul>
          {more}
        </div>
      )}
    </Section>
  );
}

const Row = memo(function Row({ reminder }: { reminder: Reminder }) {
  const [error, setError] = useState<string | null>(null);
  const { id, agent, due_at, file_path, attempt_count } = reminder;
  return (
    <li class={`row reminder ${failed(reminder) ? 'failed' : ''}`} data-reminder={id} data-reminder-agent={agent}>
      <div class="line">
        <span class="who">{agent}</span>
        {failed(reminder) ? (
          <span class="badge bad">
            ⚠ {attempt_count}/{ATTEMPTS} failed
          </span>
        ) : null}
        <span class="since due">
          <Until at={due_at} ahead={(left) => `in ${left}`} past={(ago) => `due ${ago} ago`} />
          <span class="dim">
            {' · '}
            <Clock at={due_at} />
          </span>
        </span>
      </div>
      <AgentText text={reminder.message} refs={reminder.file_refs} most={CHARS} />
      {file_path == null ? null : (
        <div class="file">
          <span class="dim">file </span>
          <AgentText text={file_path} refs={reminder.file_refs} />
        </div>
      )}
      {failed(reminder) ? <Failure reminder={reminder} /> : null}
      <div class="line actions">
        <span class="buttons">
          {failed(reminder) ? (
            <Act
              label="↻ R3TRY"
              plain={`Try reminder ${id} of ${agent} again`}
              tone="good"
              onError={setError}
              run={() => api.POST('/api/reminders/{id}/retry', { params: { path: { id } } })}
            />
          ) : null}
          <Act
            label="✗ C4NC3L"
            plain={`Cancel reminder ${id} of ${agent}`}
            tone="bad"
            confirm={{
              title: 'Cancel this reminder?',
              text: `${agent} set it for itself and will not be told that it is gone.`,
              yes: `Cancel reminder ${id}`,
              no: 'Keep it',
            }}
            onError={setError}
            run={() => api.POST('/api/reminders/{id}/cancel', { params: { path: { id } } })}
          />
        </span>
      </div>
      <Refused error={error} onClose={() => setError(null)} />
    </li>
  );
});

function Failure({ reminder }: { reminder: Reminder }) {
  const { next_attempt_at } = reminder;
  return (
    <p class="note bad">
      <bdi>{reminder.last_error ?? 'no reason was given'}</bdi>
      <span class="dim">
        {' · '}
        {givenUp(reminder) ? (
          `failed after ${ATTEMPTS} attempts`
        ) : next_attempt_at == null ? (
          'retried at once'
        ) : (
          <>
            <Until at={next_attempt_at} ahead={(left) => `next try in ${left}`} past={() => 'next try now'} /> (
            <Clock at={next_attempt_at} />)
          </>
        )}
      </span>
    </p>
  );
}
