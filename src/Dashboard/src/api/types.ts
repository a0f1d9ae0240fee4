import type { components } from '../generated/api';

type Schemas = components['schemas'];

/** Everything the page shows at first, with the place in the stream that it is true for. */
export type Snapshot = Schemas['Snapshot'];
/** An open session of the dashboard. */
export type Session = Schemas['SessionView'];
export type Lock = Schemas['LockView'];
/** A reminder that an agent has set for itself, until it is delivered or cancelled. */
export type Reminder = Schemas['ReminderView'];
/** A question of an agent to the operator (no target) or to a peer. */
export type Question = Schemas['QuestionView'];
export type Message = Schemas['Message'];
/** One thing that waits for the operator. */
export type Waiting = Schemas['WaitingView'];
export type History = Schemas['MessageHistoryResult'];
export type RemovedMessages = Schemas['RemovedMessages'];
export type Agent = Schemas['ContainerView'];
/** An agent's state in one word, with its details. */
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
/** A conversation of agents about their work. */
export type Thread = Schemas['ThreadView'];
/** A text in a thread. */
export type Post = Schemas['CollaborationMessage'];
/** Something the operator has to decide, or has decided. */
export type Approval = Schemas['Approval'];
export type ApprovalBuild = Schemas['ApprovalBuild'];
export type BuildStep = Schemas['BuildStep'];
/** The changes of a proposal. */
export type ApprovalDiff = Schemas['ApprovalDiff'];
export type DiffFile = Schemas['DiffFile'];
/** A repository that agents are built with, pinned to a revision. */
export type MetaInput = Schemas['MetaInput'];
/** The state of an agent's harness. */
export type Harness = Omit<Schemas['HarnessView'], 'cursor'>;
/** A turn that has ended. */
export type Turn = Schemas['TurnView'];
/** The files that a turn changed. */
export type TurnFiles = Schemas['ListTurnFilesResult'];
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
/** The operator's choices for the page; the Hive keeps them, so that every browser has them. */
export type Preferences = Schemas['PreferencesView'];
/** A driver, and whether this machine has its program. */
export type Driver = Schemas['DriverView'];
/** An example of a role. */
export type ExampleRole = Schemas['ExampleRole'];
/** A ticket as the board shows it. */
export type TicketCard = Schemas['TicketCard'];
/** Tasks of a ticket by their states; the running ones are open too. */
export type TaskCounts = Schemas['TaskCounts'];
/** A whole ticket. */
export type Ticket = Schemas['Ticket'];
export type TicketHistoryEntry = Schemas['TicketHistoryEntry'];
/** A column of a workflow's board with its exact counts. */
export type BoardColumn = Schemas['BoardColumnView'];
export type WorkflowView = Schemas['WorkflowView'];
export type Phase = Schemas['Phase'];
/** A task, without its long texts. */
export type Task = Schemas['TaskView'];
/** A limit on what agents may spend. */
export type Budget = Schemas['BudgetView'];
export type BudgetHeld = Schemas['BudgetHeld'];
/** A task with its long texts and its runs, the newest first. */
export type TaskDetail = Schemas['RestTask'];
export type TaskRun = Schemas['RestRun'];
/** An edge of a ticket's graph: `dependency`, or `discovery`. */
export type TaskEdge = Schemas['TaskEdge'];
/** Something that was found during a task and does not belong to it. */
export type Discovery = Schemas['DiscoveryView'];
/** The gate of a ticket's phase. */
export type Gate = Schemas['GateView'];
/** The open tasks, and what stands still until the operator decides. */
export type WorkCounts = Schemas['WorkCounts'];
/** A criterion: `met`, `unmet` (work can cure it) or `waiting` for a task, a person or a review. */
export type Criterion = Schemas['CriterionView'];
/** An output of a task, without its content. */
export type Artifact = Schemas['Artifact'];
/** An artifact with its content. */
export type KeptArtifact = Schemas['TicketArtifact'];
/** The results that a phase hands on to the phases after it. */
export type PhaseContext = Schemas['PhaseContext'];
/** A judgement that a person or a validator makes. */
export type Review = Schemas['Review'];
