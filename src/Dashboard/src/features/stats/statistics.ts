import { signal } from '@preact/signals';
import { words } from '../../api/refusal';
import type { Stats } from '../../api/types';
import type { Window } from './figures';

/** Windows move with time, also when no turn ends. */
export const EVERY_MS = 60_000;
/** Turns that end close together are counted together. */
export const AFTER_TURN_MS = 3_000;

/** Keeps the sums of a window fresh: reads them when a turn has ended, and once a minute while the page is visible. */
export class Statistics {
  readonly stats = signal<Stats | null>(null);
  readonly error = signal<string | null>(null);
  readonly reading = signal(false);

  #window: Window;
  #underWay: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #readAt = 0;
  #again = false;
  #stopped = false;

  constructor(
    window: Window,
    private readonly fetchStats: (window: Window, stopped: AbortSignal) => Promise<Stats>,
    private readonly isVisible: () => boolean,
  ) {
    this.#window = window;
  }

  /** Shows another window; the sums of the one before stay until the new ones are loaded. */
  show(window: Window): void {
    if (window === this.#window) return;
    this.#window = window;
    void this.read();
  }

  /** A turn has ended. */
  changed(): void {
    // The answer under way may be older than the turn's end.
    this.#again = this.reading.peek();
    this.#next(AFTER_TURN_MS);
  }

  /** The page has become visible or hidden. */
  shown(): void {
    if (this.isVisible()) this.#next(0);
    else this.#pause();
  }

  async read(): Promise<void> {
    if (this.#stopped) return;
    this.#pause();
    this.#underWay?.abort();
    this.#underWay = new AbortController();
    const { signal: stopped } = this.#underWay;
    this.reading.value = true;
    try {
      const stats = await this.fetchStats(this.#window, stopped);
      if (stopped.aborted) return;
      this.stats.value = stats;
      this.error.value = null;
    } catch (e) {
      if (stopped.aborted) return;
      this.error.value = words(e);
    }
    this.reading.value = false;
    this.#readAt = Date.now();
    const soon = this.#again;
    this.#again = false;
    this.#next(soon ? AFTER_TURN_MS : EVERY_MS);
  }

  stop(): void {
    this.#stopped = true;
    this.#pause();
    this.#underWay?.abort();
  }

  /** Reads <after> ms after the last answer, unless a read is under way. */
  #next(after: number): void {
    if (this.#stopped || this.reading.peek() || !this.isVisible()) return;
    this.#pause();
    this.#timer = setTimeout(() => void this.read(), Math.max(0, this.#readAt + after - Date.now()));
  }

  #pause(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
