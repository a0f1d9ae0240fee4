import type { Handlers } from '../../stream/picture';
import type { Tombstones } from './store';

export function eventsOf(tombstones: Tombstones): Handlers {
  return { tombstones_changed: (event) => tombstones.snapshot(event) };
}
