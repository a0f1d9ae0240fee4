import type { Handlers } from '../../stream/picture';
import type { WaitingRows } from './store';

export function eventsOf(rows: WaitingRows): Handlers {
  return {
    waiting_changed: ({ waiting }) => rows.put(waiting),
    waiting_removed: ({ key }) => rows.remove(key),
  };
}
