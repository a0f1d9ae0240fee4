import { type Signal, signal } from '@preact/signals';
import { Refusal } from '../../api/refusal';
import type { Message } from '../../api/types';

/** Fetches the newest page of the matching messages before this id. */
type FetchBefore = (before: number) => Promise<readonly Message[]>;

const RETRY_MS = 5000;

const lowest = (rows: readonly Message[]): number => Math.min(...rows.map(({ id }) => id));

/**
 * The newest <most> of the messages that match, as the snapshot holds them: when a row leaves, the page reads the older
 * one that takes its place.
 */
export class Newest {
  readonly rows: Signal<readonly Message[]> = signal([]);

  /** The rows are all that match from this id on; 0 when they are all. */
  #floor = 0;
  /** The changes since the reading under way began: its answer may be older. Null where the message left. */
  #since: Map<number, Message | null> | null = null;

  constructor(
    private readonly most: number,
    private readonly fetchBefore: FetchBefore,
  ) {}

  snapshot(rows: readonly Message[]): void {
    this.#since = null;
    this.#show(rows, rows.length < this.most ? 0 : lowest(rows));
  }

  put(message: Message): void {
    this.#since?.set(message.id, message);
    if (message.id >= this.#floor) this.#show([message, ...this.#without(message.id)], this.#floor);
  }

  remove(id: number): void {
    this.#since?.set(id, null);
    const others = this.#without(id);
    if (others.length < this.rows.peek().length) this.rows.value = others;
    void this.#refill();
  }

  #without(id: number): readonly Message[] {
    return this.rows.peek().filter((m) => m.id !== id);
  }

  /** Shows the newest of all messages that match from the id <floor> on. */
  #show(rows: readonly Message[], floor: number): void {
    this.rows.value = rows.toSorted((a, b) => b.id - a.id).slice(0, this.most);
    this.#floor = rows.length > this.most ? lowest(this.rows.peek()) : floor;
  }

  async #refill(): Promise<void> {
    if (this.#since !== null || this.#floor === 0 || this.rows.peek().length >= this.most) return;
    const since = new Map<number, Message | null>();
    const before = this.#floor;
    this.#since = since;
    try {
      const page = await this.fetchBefore(before);
      if (this.#since !== since) return;
      this.#since = null;
      // A higher floor: newer messages have filled the list in the meantime.
      if (this.#floor === before) this.#take(page, since);
      void this.#refill();
    } catch (e) {
      if (this.#since !== since) return;
      this.#since = null;
      if (!(e instanceof Refusal) || e.passing) setTimeout(() => void this.#refill(), RETRY_MS);
    }
  }

  #take(page: readonly Message[], since: ReadonlyMap<number, Message | null>): void {
    const floor = page.length < this.most ? 0 : lowest(page);
    const older = new Map<number, Message | null>(page.map((m) => [m.id, m]));
    for (const [id, message] of since) if (id >= floor && id < this.#floor) older.set(id, message);
    this.#show(
      [...this.rows.peek(), ...older.values()].filter((m) => m !== null),
      floor,
    );
  }
}
