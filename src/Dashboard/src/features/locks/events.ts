import type { Handlers } from '../../stream/picture';
import type { Locks } from './store';

export function eventsOf(locks: Locks): Handlers {
  return { lock_changed: ({ lock }) => locks.put(lock) };
}
