import { expect, test } from 'vitest';
import type { Lock } from '../../api/types';
import { loaded } from '../../test/loaded';
import { eventsOf } from './events';
import { Locks } from './store';

const AT = '2026-05-01T12:00:00.000Z';

test('a lock is shown until it is released', () => {
  const lock = (id: number, more: Partial<Lock> = {}): Lock => ({
    id,
    resource_type: 'repo',
    resource_id: 'shop',
    mode: 'exclusive',
    status: 'waiting',
    task: 1,
    agent: 'alice',
    count: 0,
    asked_at: AT,
    ...more,
  });
  const { store, event } = loaded(new Locks(), eventsOf, { locks: [lock(2), lock(1)] });
  expect(store.all.value.map((l) => l.id)).toEqual([1, 2]);
  event({ kind: 'lock_changed', lock: lock(3, { status: 'granted', acquired_at: AT }) });
  event({ kind: 'lock_changed', lock: lock(1, { status: 'released', released_at: AT }) });
  expect(store.all.value.map((l) => [l.id, l.status])).toEqual([
    [2, 'waiting'],
    [3, 'granted'],
  ]);
});
