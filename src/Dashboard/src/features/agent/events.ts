import type { DashboardEvent } from '../../api/events';
import type { components } from '../../generated/api';
import type { Figures } from '../stats';

/** Something that an agent's harness has told of its turns. The harness wrote its other fields, so each may be missing. */
export interface AgentEvent extends Figures {
  id: number;
  kind: string;
  at: string;
  turn?: number | null;
  [field: string]: unknown;
}

/** A page of an agent's events. */
export type AgentEvents = Omit<components['schemas']['ListEventsResult'], 'events'> & { events: readonly AgentEvent[] };

/** What an agent's own stream carries. */
export type AgentStreamEvent =
  | (Omit<DashboardEvent<'agent_event'>, 'event'> & { event: AgentEvent })
  | DashboardEvent<'text_part' | 'harness_changed'>;
