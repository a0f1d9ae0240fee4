import type { components } from '../generated/api';

type Schemas = components['schemas'];

/** Everything the page shows at first, with the place in the stream that it is true for. */
export type Snapshot = Schemas['Snapshot'];
/** A reminder that an agent has set for itself, until it is delivered or cancelled. */
export type Reminder = Schemas['ReminderView'];
/** A question of an agent to the operator (no target) or to a peer. */
export type Question = Schemas['QuestionView'];
export type Message = Schemas['Message'];
/** One thing that waits for the operator. */
export type Waiting = Schemas['WaitingView'];
export type History = Schemas['MessageHistoryResult'];
export type Agent = Schemas['ContainerView'];
/** What an agent is doing, in one word and its details. */
export type Activity = NonNullable<Agent['activity']>;
export type Transient = Schemas['Transient'];
/** The kept state of a destroyed agent. */
export type Tombstone = Schemas['Tombstone'];
/** The state of the git forge: accounts of agents, and what is pushed there. */
export type Forge = Schemas['ForgeView'];
export type ForgeAccount = Schemas['ForgeAccount'];
export type ForgeRepository = Schemas['ForgeRepository'];
export type KeyProof = Schemas['ProveKeyResult'];
export type SessionKey = Schemas['OpenSessionResult'];
export type StateFile = Schemas['ReadStateFileResult'];
export type StateFiles = Schemas['ListStateFilesResult'];
/** Something the operator has to decide, or has decided. */
export type Approval = Schemas['Approval'];
/** The changes of a proposal. */
export type ApprovalDiff = Schemas['ApprovalDiff'];
export type DiffFile = Schemas['DiffFile'];
/** A repository that agents are built with, pinned to a revision. */
export type MetaInput = Schemas['MetaInput'];
/** The state of an agent's harness. */
export type Harness = Omit<Schemas['HarnessView'], 'cursor'>;
/** A turn that has ended. */
export type Turn = Schemas['TurnView'];
export type Stats = Schemas['GetStatsResult'];
export type AgentStats = Schemas['AgentStats'];
export type Bucket = Schemas['StatsBucket'];
/** US dollars per million tokens. */
export type Price = Schemas['ModelPrice'];
/** A piece of a text that the agent is writing; the whole text comes as an event. */
export type TextPart = Schemas['TextPart'];
/** The result of checking one thing of the host. */
export type Finding = Schemas['Finding'];
/** The state of the hook that tells `Notify:Url` of what waits. */
export type NotifyHook = Schemas['NotifyHookView'];
/** What the operator has chosen for the page; the Hive keeps it, so that every browser has it. */
export type Preferences = Schemas['PreferencesView'];
/** A driver, and whether this machine has its program. */
export type Driver = Schemas['DriverView'];
/** An example of a role. */
export type ExampleRole = Schemas['ExampleRole'];
