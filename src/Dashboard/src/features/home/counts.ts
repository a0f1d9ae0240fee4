import { signal } from '@preact/signals';
import { words } from '../../api/refusal';
import type { WorkCounts } from '../../api/types';

/** Changes that come close together are counted together. */
const AFTER_MS = 1_000;
/** Changes of tasks beyond those that the page lists are counted after this time. */
const EVERY_MS = 15_000;

/** The host's counts of open work, read again after changes and now and then while the page is visible. */
export class Counts {
  readonly work = signal<WorkCounts | null>(null);
  readonly error = signal<string | null>(null);
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** When the timer ends. */
  #due = Number.POSITIVE_INFINITY;
  #underWay: AbortController | null = null;
  #again = false;
  #stopped = false;

  constructor(
    private readonly fetchWork: (stopped: AbortSignal) => Promise<WorkCounts>,
    private readonly isVisible: () => boolean,
  ) {}

  /** Something has changed that may be counted. */
  changed(): void {
    // The answer under way may be older than the change.
    if (this.#underWay === null) this.#next(AFTER_MS);
    else this.#again = true;
  }

  /** The page has become visible or hidden. */
  shown(): void {
    if (this.#underWay === null) this.#next(0);
  }

  async read(): Promise<void> {
    if (this.#stopped || this.#underWay !== null) return;
    const underWay = new AbortController();
    this.#underWay = underWay;
    this.#again = false;
    this.#pause();
    try {
      this.work.value = await this.fetchWork(underWay.signal);
      this.error.value = null;
    } catch (e) {
      if (!underWay.signal.aborted) this.error.value = words(e);
    }
    this.#underWay = null;
    this.#next(this.#again ? AFTER_MS : EVERY_MS);
  }

  stop(): void {
    this.#stopped = true;
    this.#pause();
    this.#underWay?.abort();
  }

  /** Reads after a time, or when it was due anyway, if that is earlier: changes that never stop do not put it off. */
  #next(after: number): void {
    const due = Math.min(this.#due, Date.now() + after);
    this.#pause();
    if (this.#stopped || !this.isVisible()) return;
    this.#due = due;
    this.#timer = setTimeout(() => void this.read(), due - Date.now());
  }

  #pause(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#due = Number.POSITIVE_INFINITY;
  }
}
