import type { paths } from '../generated/api';

/** What a route answers when it is done, as the host's own document describes it. */
type Answer<Path extends keyof paths, Verb extends 'get' | 'post'> = paths[Path] extends Record<
  Verb,
  { responses: { 200: { content: { 'application/json': infer Body } } } }
>
  ? Body
  : never;

export type Snapshot = Answer<'/api/state', 'get'>;
/** A note an agent has left itself, until it is delivered or cancelled. */
export type Reminder = Snapshot['reminders'][number];
/** What an agent asks the operator (no target) or a peer. */
export type Question = Snapshot['questions'][number];
export type Message = Snapshot['inbox'][number] & {
  /** After a failure: when it can be received again. */
  next_attempt_at?: string | null;
};
export type Agent = Snapshot['agents'][number];
export type Transient = Snapshot['transients'][number];
/** What is kept of a destroyed agent. */
export type Tombstone = Snapshot['tombstones'][number];
/** How the git forge stands: accounts of agents, and what is pushed there. */
export type Forge = Snapshot['forge'];
export type ForgeAccount = Forge['accounts'][number];
export type ForgeRepository = Forge['repositories'][number];
export type History = Answer<'/dashboard/history', 'get'>;
export type KeyProof = Answer<'/api/session/proof', 'post'>;
export type SessionKey = Answer<'/api/session', 'post'>;
export type StateFile = Answer<'/api/state-file', 'get'>;
export type Logs = Answer<'/api/logs/{name}', 'get'>;

/** Something the operator has to decide, or has decided. */
export type Approval = Snapshot['approvals'][number];
/** What a proposal would change. */
export type ApprovalDiff = Answer<'/api/approvals/{id}/diff', 'get'>;
export type DiffFile = ApprovalDiff['files'][number];
/** A repository that agents are built with, pinned to a revision. */
export type MetaInput = Snapshot['meta_inputs'][number];

/** What an agent's harness does at this moment, and from where its stream goes on. */
export type HarnessAnswer = Answer<'/api/agents/{name}/harness', 'get'>;
export type Harness = Omit<HarnessAnswer, 'cursor'>;

/** What a turn has used. */
export interface Figures {
  model?: string | null;
  started_at?: string | null;
  ended_at?: string | null;
  duration_ms?: number | null;
  input_tokens?: number | null;
  output_tokens?: number | null;
  cache_read_input_tokens?: number | null;
  cache_creation_input_tokens?: number | null;
  tool_call_count?: number | null;
  tool_calls?: Readonly<Record<string, number>> | null;
}

export type Turns = Answer<'/api/agents/{name}/turns', 'get'>;
/** A turn that has ended. */
export type Turn = Turns['turns'][number];

/** What an agent's harness has told of its turns. What it holds besides was written by the harness, so every field may be missing. */
export interface AgentEvent extends Figures {
  id: number;
  kind: string;
  at: string;
  turn?: number | null;
  [field: string]: unknown;
}

export type AgentEvents = Omit<Answer<'/api/agents/{name}/events', 'get'>, 'events'> & { events: readonly AgentEvent[] };

/** A piece of a text that the agent is writing; the whole text comes as an event. */
export type TextPart = { at: string; turn?: number; text: string };

export type AgentStreamEvent =
  | { kind: 'agent_event'; seq: number; event: AgentEvent }
  | { kind: 'text_part'; seq: number; part: TextPart }
  | { kind: 'harness_changed'; seq: number; harness: Harness };

export type Window = '1h' | '24h' | '7d' | '30d';

export type Stats = Answer<'/api/stats', 'get'>;
export type AgentStats = Stats['agents'][number];
export type Bucket = Stats['buckets'][number];
export type Sums = Omit<Bucket, 'at'>;
export type Prices = Answer<'/api/prices', 'get'>;
/** US dollars per million tokens. */
export type Price = Prices['models'][number];

export type MessageEventKind = 'sent' | 'delivered' | 'acked' | 'requeued' | 'parked' | 'dropped';

/** What the stream carries, as far as this page shows it; other kinds belong to later sections and pass by. */
export type HiveEvent =
  | { kind: MessageEventKind; seq: number; message: Message }
  | { kind: 'reminder_changed'; seq: number; reminder: Reminder }
  | { kind: 'reminder_removed'; seq: number; id: number }
  | { kind: 'question_added' | 'question_resolved'; seq: number; question: Question }
  | { kind: 'container_state_changed'; seq: number; container: Agent }
  | { kind: 'container_removed'; seq: number; name: string }
  | { kind: 'transient_set'; seq: number; transient: Transient }
  | { kind: 'transient_cleared'; seq: number; name: string }
  | { kind: 'tombstones_changed'; seq: number; tombstones: readonly Tombstone[] }
  | { kind: 'approval_added' | 'approval_changed' | 'approval_resolved'; seq: number; approval: Approval }
  | { kind: 'meta_inputs_changed'; seq: number; meta_inputs: readonly MetaInput[] }
  | { kind: 'turn_ended'; seq: number; turn: Turn }
  | { kind: 'forge_changed'; seq: number; forge: Forge };
