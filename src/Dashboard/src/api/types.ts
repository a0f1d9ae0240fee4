import type { components } from '../generated/api';

type Schemas = components['schemas'];

export type Message = Schemas['Message'];
export type Agent = Schemas['ContainerView'];
export type Transient = Schemas['Transient'];
export type Snapshot = Schemas['Snapshot'];
export type History = Schemas['MessageHistoryResult'];
export type SessionKey = Schemas['OpenSessionResult'];
export type StateFile = Schemas['ReadStateFileResult'];
export type Logs = Schemas['ReadLogsResult'];

export type MessageEventKind = 'sent' | 'delivered' | 'acked' | 'requeued' | 'parked' | 'dropped';

/** What the stream carries, as far as this page shows it; other kinds belong to later sections and pass by. */
export type HiveEvent =
  | { kind: MessageEventKind; seq: number; message: Message }
  | { kind: 'container_state_changed'; seq: number; container: Agent }
  | { kind: 'container_removed'; seq: number; name: string }
  | { kind: 'transient_set'; seq: number; transient: Transient }
  | { kind: 'transient_cleared'; seq: number; name: string };
