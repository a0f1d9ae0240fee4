import type { DashboardEvent } from '../../api/events';
import type { components } from '../../generated/api';
import type { Figures } from '../stats';

/** An event of an agent's turn, reported by its harness. The harness wrote the other fields, so each may be missing. */
export interface AgentEvent extends Figures {
  id: number;
  kind: string;
  at: string;
  turn?: number | null;
  [field: string]: unknown;
}

/** A page of an agent's events. */
export type AgentEvents = Omit<components['schemas']['ListEventsResult'], 'events'> & { events: readonly AgentEvent[] };

/** The events of an agent's own stream. */
export type AgentStreamEvent =
  | (Omit<DashboardEvent<'agent_event'>, 'event'> & { event: AgentEvent })
  | DashboardEvent<'text_part' | 'harness_changed'>;
