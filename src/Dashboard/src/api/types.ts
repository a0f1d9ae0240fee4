import type { paths } from '../generated/api';

/** What a route answers when it is done, as the host's own document describes it. */
type Answer<Path extends keyof paths, Verb extends 'get' | 'post'> = paths[Path] extends Record<
  Verb,
  { responses: { 200: { content: { 'application/json': infer Body } } } }
>
  ? Body
  : never;

/** A note an agent has left itself, until it is delivered or cancelled. */
export interface Reminder {
  id: number;
  agent: string;
  message: string;
  file_path?: string | null;
  file_refs: string[];
  created_at: string;
  due_at: string;
  attempt_count: number;
  last_error?: string | null;
  next_attempt_at?: string | null;
}

/** What an agent asks the operator (no target) or a peer. */
export interface Question {
  id: number;
  asker: string;
  target?: string | null;
  question: string;
  question_refs: string[];
  options: string[];
  multi: boolean;
  asked_at: string;
  deadline_at?: string | null;
  answer?: string | null;
  answerer?: string | null;
  answered_at?: string | null;
  answer_refs: string[];
}

export type Snapshot = Omit<Answer<'/api/state', 'get'>, 'reminders' | 'questions' | 'question_history'> & {
  reminders: Reminder[];
  questions: Question[];
  question_history: Question[];
};
export type Message = Snapshot['inbox'][number];
export type Agent = Snapshot['agents'][number];
export type Transient = Snapshot['transients'][number];
export type History = Answer<'/dashboard/history', 'get'>;
export type SessionKey = Answer<'/api/session', 'post'>;
export type StateFile = Answer<'/api/state-file', 'get'>;
export type Logs = Answer<'/api/logs/{name}', 'get'>;

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
  | { kind: 'transient_cleared'; seq: number; name: string };
