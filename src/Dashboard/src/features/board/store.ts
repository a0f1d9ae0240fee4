import { batch, computed, signal } from '@preact/signals';
import type {
  Artifact,
  BoardColumn,
  Discovery,
  Gate,
  Review,
  Snapshot,
  Task,
  Thread,
  TicketCard,
  WorkflowView,
} from '../../api/types';
import { RowTable } from '../../stream/row-table';

/** How many open tasks the host lists. */
export const TASKS = 1000;

const ENDED: readonly string[] = ['completed', 'failed', 'cancelled'];

/** Whether a task has come to an end; a retry opens it again. */
export const isEnded = ({ status }: Pick<Task, 'status'>): boolean => ENDED.includes(status);

/** Whether a review waits for the operator. */
export const waitsForOperator = ({ verdict, decided_at, stale, review_task }: Review): boolean =>
  verdict == null && decided_at == null && !stale && review_task == null;

const isOf = (workflow: string) => (column: BoardColumn) => column.workflow === workflow;

/** Takes the events of one ticket that is looked at as a whole. */
export interface Follower {
  ticket: number;
  card(card: TicketCard): void;
  removed(): void;
  task(task: Task): void;
  taskRemoved(id: number): void;
  discovery(discovery: Discovery): void;
  gate(gate: Gate): void;
  artifact(artifact: Artifact): void;
  review(review: Review): void;
  thread(thread: Thread): void;
}

/** The columns and open tasks, as the host lists them, and the cards that the board has read. */
export class Board {
  readonly #cards = new RowTable<TicketCard>();
  /** The tickets that have changed since the board began to read; null for one that was removed. */
  #changed: Map<number, TicketCard | null> | null = null;
  readonly #tasks = new RowTable<Task>();
  readonly #reviews = new RowTable<Review>();
  readonly #followers = new Set<Follower>();
  /** The cards that the board shows: of each column the first ones. Events keep them current. */
  readonly cards = computed<readonly TicketCard[]>(() => this.#cards.all);
  /** Counts the changes of tickets and columns; each may change which cards come first. */
  readonly changes = signal(0);
  readonly columns = signal<readonly BoardColumn[]>([]);
  readonly workflows = signal<readonly WorkflowView[]>([]);
  /** Counts the snapshots: events of what was read beside them may have been missed before each. */
  readonly reads = signal(0);

  /** The open tasks, the newest of them. */
  get tasks(): readonly Task[] {
    return this.#tasks.all;
  }

  /** The reviews that wait for the operator. */
  get reviews(): readonly Review[] {
    return this.#reviews.all;
  }

  card(id: number): TicketCard | undefined {
    return this.cards.value.find((card) => card.id === id);
  }

  snapshot({ board, tasks, reviews, workflows }: Pick<Snapshot, 'board' | 'tasks' | 'reviews' | 'workflows'>): void {
    batch(() => {
      this.columns.value = board;
      this.#tasks.replace(tasks);
      this.#reviews.replace(reviews);
      this.workflows.value = workflows;
      this.reads.value++;
    });
  }

  /** Tells of the events of a ticket until the returned function is called. */
  follow(follower: Follower): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  /**
   * Begins to read cards. What is returned shows those that were read, with what has changed in the meantime; null
   * leaves those that are shown.
   */
  reading(): (cards: readonly TicketCard[] | null) => void {
    const changed = new Map<number, TicketCard | null>();
    this.#changed = changed;
    return (cards) => {
      if (this.#changed === changed) this.#changed = null;
      if (cards === null) return;
      this.#cards.replace(cards.flatMap((card) => changed.get(card.id) ?? (changed.has(card.id) ? [] : card)));
    };
  }

  put(card: TicketCard): void {
    if (this.#cards.has(card.id)) this.#cards.put(card);
    this.#changed?.set(card.id, card);
    this.changes.value++;
    this.#tell(card.id, (follower) => follower.card(card));
  }

  remove(id: number): void {
    this.#cards.remove(id);
    this.#changed?.set(id, null);
    this.changes.value++;
    this.#tell(id, (follower) => follower.removed());
  }

  putColumn(column: BoardColumn): void {
    const all = this.columns.peek();
    const isThis = (other: BoardColumn) => other.workflow === column.workflow && other.id === column.id;
    this.columns.value = all.some(isThis) ? all.map((other) => (isThis(other) ? column : other)) : [...all, column];
    this.changes.value++;
  }

  putTask(task: Task): void {
    if (isEnded(task)) this.#tasks.remove(task.id);
    else {
      this.#tasks.put(task);
      if (this.#tasks.size > TASKS) this.#tasks.remove(Math.min(...this.#tasks.all.map(({ id }) => id)));
    }
    this.#tell(task.ticket, (follower) => follower.task(task));
  }

  removeTask(id: number): void {
    this.#tasks.remove(id);
    for (const follower of this.#followers) follower.taskRemoved(id);
  }

  putDiscovery(discovery: Discovery): void {
    this.#tell(discovery.ticket, (follower) => follower.discovery(discovery));
  }

  putGate(gate: Gate): void {
    this.#tell(gate.ticket, (follower) => follower.gate(gate));
  }

  addArtifact(artifact: Artifact): void {
    this.#tell(artifact.ticket, (follower) => follower.artifact(artifact));
  }

  putReview(review: Review): void {
    if (waitsForOperator(review)) this.#reviews.put(review);
    else this.#reviews.remove(review.id);
    this.#tell(review.ticket, (follower) => follower.review(review));
  }

  putThread(thread: Thread): void {
    if (thread.ticket != null) this.#tell(thread.ticket, (follower) => follower.thread(thread));
  }

  putWorkflow(workflow: WorkflowView): void {
    const others = this.workflows.peek().filter(({ name }) => name !== workflow.name);
    this.workflows.value = [...others, workflow].sort((a, b) => a.name.localeCompare(b.name));
    // Its columns come as events of their own; those that are gone do not.
    const ids = workflow.spec.board_columns.map(({ id }) => id);
    const stays = (column: BoardColumn) => !isOf(workflow.name)(column) || ids.includes(column.id);
    if (!this.columns.peek().every(stays)) this.columns.value = this.columns.peek().filter(stays);
  }

  removeWorkflow(name: string): void {
    this.workflows.value = this.workflows.peek().filter((workflow) => workflow.name !== name);
    this.columns.value = this.columns.peek().filter((column) => !isOf(name)(column));
  }

  #tell(ticket: number, of: (follower: Follower) => void): void {
    for (const follower of this.#followers) if (follower.ticket === ticket) of(follower);
  }
}

export const board = new Board();
