import type { components } from '../generated/api';

/** Every event of the host's streams by its kind, as the host's own document describes it. */
type Events = components['schemas']['DashboardEvents'];

export type EventKind = keyof Events;

/** An event of one of these kinds. */
export type DashboardEvent<Kind extends EventKind = EventKind> = { [K in Kind]: NonNullable<Events[K]> }[Kind];

/** The kinds of events of a message. */
export type MessageEventKind = 'sent' | 'delivered' | 'acked' | 'requeued' | 'parked' | 'dropped';
