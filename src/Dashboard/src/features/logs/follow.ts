import { signal } from '@preact/signals';
import { Refusal, words } from '../../api/refusal';
import { emptyTail, type Tail, withNewest } from './tail';

export const LINES = 500;
export const MOST_LINES = 5000;
/** The time between an answer and the next request. */
export const EVERY_MS = 2000;
const SLOWEST_MS = 30_000;

/** Polls an agent's newest lines while the reader follows them: the host has no stream of them. */
export class LogFollow {
  /** Null until the first answer. */
  readonly tail = signal<Tail | null>(null);
  readonly error = signal<string | null>(null);
  /** The agent is gone: no more lines come. */
  readonly over = signal(false);
  readonly reading = signal(false);
  readonly wanted = signal(LINES);

  #following = true;
  #goingBack = false;
  #stopped = false;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #underWay: AbortController | null = null;

  constructor(
    private readonly fetchLines: (lines: number, stopped: AbortSignal) => Promise<readonly string[]>,
    private readonly isVisible: () => boolean,
  ) {}

  /** Reads now, replacing a read under way or a later one. */
  async read(): Promise<void> {
    if (this.#stopped) return;
    this.#pause();
    this.#underWay?.abort();
    this.#underWay = new AbortController();
    const { signal: stopped } = this.#underWay;
    this.reading.value = true;
    try {
      const lines = await this.fetchLines(this.wanted.peek(), stopped);
      if (stopped.aborted) return;
      this.tail.value = withNewest(this.tail.peek() ?? emptyTail, lines);
      this.error.value = null;
      this.over.value = false;
      this.#failures = 0;
    } catch (e) {
      if (stopped.aborted) return;
      this.error.value = words(e);
      this.over.value = e instanceof Refusal && e.status === 404;
      this.#failures++;
    }
    this.reading.value = false;
    this.#scheduleRead();
  }

  /** Reads more lines from further back. */
  async more(): Promise<void> {
    this.wanted.value = MOST_LINES;
    this.#goingBack = true;
    await this.read();
    this.#goingBack = false;
  }

  /** The reader follows the newest line, or has scrolled back. */
  follow(atNewest: boolean): void {
    if (this.#following === atNewest) return;
    this.#following = atNewest;
    if (atNewest) {
      if (!this.reading.peek()) void this.read();
      return;
    }
    this.#pause();
    // Lines must not move while they are read, unless the reader asked for more.
    if (this.tail.peek() === null || this.#goingBack) return;
    this.#underWay?.abort();
    this.reading.value = false;
  }

  /** The page has become visible or hidden. */
  shown(): void {
    if (!this.isVisible()) this.#pause();
    else if (this.#following && !this.reading.peek() && !this.over.peek()) void this.read();
  }

  stop(): void {
    this.#stopped = true;
    this.#pause();
    this.#underWay?.abort();
  }

  #scheduleRead(): void {
    if (!this.#following || this.#stopped || this.over.peek() || !this.isVisible()) return;
    this.#timer = setTimeout(
      () => void this.read(),
      Math.min(SLOWEST_MS, EVERY_MS * 2 ** Math.min(this.#failures, 10)),
    );
  }

  #pause(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
