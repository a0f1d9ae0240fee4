import { batch, type Signal, signal } from '@preact/signals';
import { answerOf, api } from '../../../api/client';
import { Refusal, words } from '../../../api/refusal';
import type {
  Artifact,
  Discovery,
  Gate,
  Review,
  Task,
  Thread,
  Ticket,
  TicketCard,
  TicketHistoryEntry,
} from '../../../api/types';
import type { Follower } from '../store';

/** The events of a ticket do not have its texts and its history: both are read again, once in this time at most. */
const AGAIN_MS = 500;

/** The most artifacts that the host lists at once, the newest of them. */
export const ARTIFACTS = 200;
/** More than a ticket has at once; those that were marked invalid count beside them. */
const DISCOVERIES = 200;
/** The most entries of a history that the page reads, the newest of them. */
export const ENTRIES = 1000;

/** Rows by id, read and changed by events: an event that comes while they are read is newer than the answer. */
export class Rows<Row extends { id: number }> {
  readonly all: Signal<readonly Row[]> = signal([]);
  #since = new Map<number, Row | null>();

  /** Events from now on are newer than the next answer. */
  begin(): void {
    this.#since = new Map();
  }

  take(answer: readonly Row[]): void {
    const rows = new Map(answer.map((row) => [row.id, row]));
    for (const [id, row] of this.#since) {
      if (row === null) rows.delete(id);
      else rows.set(id, row);
    }
    this.all.value = [...rows.values()];
  }

  put(row: Row): void {
    this.#since.set(row.id, row);
    const others = this.all.peek();
    this.all.value = others.some(({ id }) => id === row.id)
      ? others.map((other) => (other.id === row.id ? row : other))
      : [...others, row];
  }

  remove(id: number): void {
    this.#since.set(id, null);
    this.all.value = this.all.peek().filter((row) => row.id !== id);
  }
}

/** One ticket with everything of it, kept true by events. */
export class TicketRows implements Follower {
  readonly whole = signal<Ticket | null>(null);
  readonly history = signal<readonly TicketHistoryEntry[]>([]);
  readonly tasks = new Rows<Task>();
  readonly discoveries = new Rows<Discovery>();
  readonly gateNow = signal<Gate | null>(null);
  readonly artifacts = new Rows<Artifact>();
  readonly reviews = new Rows<Review>();
  readonly threads = new Rows<Thread>();
  /** It was deleted, or there never was one. */
  readonly gone = signal(false);
  readonly error = signal<string | null>(null);

  #stopped = new AbortController();
  #rereading: ReturnType<typeof setTimeout> | null = null;

  constructor(readonly ticket: number) {}

  /** Reads everything; what is shown stays until it is there. */
  async read(): Promise<void> {
    this.#stopped.abort();
    this.#stopped = new AbortController();
    const { signal: stopped } = this.#stopped;
    for (const rows of [this.tasks, this.discoveries, this.artifacts, this.reviews, this.threads]) rows.begin();
    const path = { id: this.ticket };
    const of = { params: { path }, signal: stopped };
    const latest = (limit: number) => ({ params: { path, query: { limit } }, signal: stopped });
    try {
      const [whole, history, graph, found, gate, artifacts, reviews, threads] = await Promise.all([
        answerOf(api.GET('/api/v1/tickets/{id}', of)),
        answerOf(api.GET('/api/v1/tickets/{id}/history', latest(ENTRIES))),
        answerOf(api.GET('/api/v1/tickets/{id}/graph', of)),
        answerOf(
          api.GET('/api/v1/discoveries', {
            params: { query: { ticket_id: this.ticket, limit: DISCOVERIES } },
            signal: stopped,
          }),
        ),
        answerOf(api.GET('/api/v1/tickets/{id}/gate-status', of)),
        answerOf(api.GET('/api/v1/tickets/{id}/artifacts', latest(ARTIFACTS))),
        answerOf(api.GET('/api/v1/tickets/{id}/reviews', of)),
        answerOf(
          api.GET('/api/v1/collaboration/threads', {
            params: { query: { ticket_id: this.ticket } },
            signal: stopped,
          }),
        ),
      ]);
      if (stopped.aborted) return;
      batch(() => {
        this.whole.value = whole;
        this.history.value = history;
        this.tasks.take(graph.nodes);
        this.discoveries.take(found);
        this.gateNow.value = gate;
        this.artifacts.take(artifacts);
        this.reviews.take(reviews);
        this.threads.take(threads);
        this.error.value = null;
        this.gone.value = false;
      });
    } catch (e) {
      if (stopped.aborted) return;
      if (e instanceof Refusal && e.code === 'not_found') this.gone.value = true;
      else this.error.value = words(e);
    }
  }

  /** Reads again what could not be read. */
  retry(): void {
    if (this.error.peek() !== null) void this.read();
  }

  stop(): void {
    this.#stopped.abort();
    if (this.#rereading !== null) clearTimeout(this.#rereading);
    this.#rereading = null;
  }

  card(card: TicketCard): void {
    const whole = this.whole.peek();
    if (whole !== null) this.whole.value = { ...without(whole), ...card };
    this.#readAgainLater();
  }

  removed(): void {
    // An answer on its way would show it again.
    this.stop();
    this.gone.value = true;
  }

  task(task: Task): void {
    this.tasks.put(task);
  }

  taskRemoved(id: number): void {
    if (this.tasks.all.peek().some((task) => task.id === id)) this.tasks.remove(id);
  }

  discovery(discovery: Discovery): void {
    this.discoveries.put(discovery);
  }

  gate(gate: Gate): void {
    this.gateNow.value = gate;
    this.#readAgainLater();
  }

  artifact(artifact: Artifact): void {
    this.artifacts.put(artifact);
    // Those that it takes the place of come without an event of their own.
    this.#readAgainLater();
  }

  review(review: Review): void {
    this.reviews.put(review);
  }

  thread(thread: Thread): void {
    this.threads.put(thread);
  }

  #readAgainLater(): void {
    this.#rereading ??= setTimeout(() => {
      this.#rereading = null;
      void this.read();
    }, AGAIN_MS);
  }
}

/** A ticket without the optional members of its card, which the next card may not have. */
function without(ticket: Ticket): Ticket {
  const { blocked, blocked_reason, waiting_for, waiting_since, ...others } = ticket;
  const { deadline_at, approval_deadline_at, done_at, ...rest } = others;
  return rest;
}
