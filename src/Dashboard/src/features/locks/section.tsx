import { api } from '../../api/client';
import type { Lock } from '../../api/types';
import type { Action } from '../../ui/action';
import { ActionButton } from '../../ui/action-button';
import { useBounded } from '../../ui/bounded';
import { Age } from '../../ui/clock';
import { Section } from '../../ui/section';
import { locks } from './store';

const STEP = 25;

/** The locks that tasks hold and wait for. */
export function LocksSection() {
  return (
    <Section
      feature="locks"
      id="locks"
      title="L0CKS"
      plain="Locks"
      aside={<span class="count">advice: they keep out only those who ask</span>}
    >
      {locks.all.value.length === 0 ? <p class="empty">No task holds a lock or waits for one.</p> : <All />}
    </Section>
  );
}

function All() {
  const { shown, more } = useBounded(locks.all.value, STEP);
  return (
    <>
      <ul class="lock-rows">
        {shown.map((lock) => (
          <Row key={lock.id} lock={lock} />
        ))}
      </ul>
      {more}
    </>
  );
}

const release = ({ id, resource_type, resource_id, task }: Lock): Action => ({
  id: 'release',
  label: '▶ R3L34S3',
  of: `the lock on ${resource_type}:${resource_id}; task ${task} goes on`,
  hold: true,
  run: () => api.POST('/api/v1/locks/{id}/release', { params: { path: { id } } }),
});

function Row({ lock }: { lock: Lock }) {
  const waits = lock.status === 'waiting';
  return (
    <li class="lock-row">
      <bdi class="mono lock-name">
        {lock.resource_type}:{lock.resource_id}
      </bdi>
      <span class="dim lock-facts">
        {waits ? <span class="tone-warn">waits</span> : 'held'} {lock.mode} by task {lock.task} (<bdi>{lock.agent}</bdi>
        ) for <Age at={lock.acquired_at ?? lock.asked_at} />
      </span>
      {waits ? null : <ActionButton action={release(lock)} />}
    </li>
  );
}
