import type { DashboardEvent } from '../api/events';
import type { Snapshot } from '../api/types';
import { type Handlers, Picture } from '../stream/picture';

const empty = {
  cursor: 'e-10',
  hive_version: '1',
  host: 'h',
  agents: [],
  transients: [],
  parked: [],
  tombstones: [],
  approvals: [],
  approval_history: [],
  meta_inputs: [],
  inbox: [],
  inbox_unread: 0,
  reminders: [],
  questions: [],
  question_history: [],
  workflows: [],
  board: [],
  tasks: [],
  reviews: [],
};

export const snapshotOf = (rest: object = {}): Snapshot => ({ ...empty, ...rest }) as unknown as Snapshot;

/** A store that has taken a snapshot with these members, and a function that hands it events of the stream. */
export function loaded<S extends { snapshot(snapshot: Snapshot): void }>(
  store: S,
  eventsOf: (store: S) => Handlers,
  rest: object = {},
): { store: S; event: (event: object) => boolean } {
  const picture = new Picture([{ snapshot: (snapshot) => store.snapshot(snapshot), events: eventsOf(store) }]);
  picture.applySnapshot(snapshotOf(rest));
  let seq = 10;
  return { store, event: (event) => picture.apply(`e-${++seq}`, { ...event, seq } as DashboardEvent) };
}
