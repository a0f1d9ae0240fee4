import { signal } from '@preact/signals';
import { Refusal, words } from '../api/refusal';
import { signedOut } from '../api/session';
import { resyncDelay } from './backoff';
import { Wait } from './wait';

/** The state of the page's snapshot, which the stream alone does not tell. */
export type Sync =
  | { state: 'loading' }
  | { state: 'waiting'; again: boolean; nextTryAt: number; reason: string; stranger: boolean }
  | { state: 'synced'; resyncedAt: number | null }
  | { state: 'cannot'; reason: string };

/** Loads a snapshot, retries with growing pauses, and reports its state. */
export class Syncing {
  readonly sync = signal<Sync>({ state: 'loading' });

  #underWay: AbortController | null = null;
  readonly #wait = new Wait();

  /** <read> fetches and shows the snapshot; after <stopped> it must show nothing. */
  constructor(private readonly read: (again: boolean, stopped: AbortSignal) => Promise<void>) {}

  /** Whether a snapshot is being loaded. */
  get loading(): boolean {
    return this.#underWay !== null;
  }

  /** Loads the snapshot, replacing a load under way; <again>: one was loaded and is out of date. Returns the result. */
  async load(again: boolean): Promise<'synced' | 'cannot' | 'stopped'> {
    this.#underWay?.abort();
    this.#underWay = new AbortController();
    const { signal: stopped } = this.#underWay;
    for (let attempt = 0; ; attempt++) {
      if (again || attempt > 0) {
        const delay = resyncDelay(attempt);
        const last = attempt > 0 && this.sync.value.state === 'waiting' ? this.sync.value : null;
        const { reason, stranger } = last ?? { reason: '', stranger: false };
        this.sync.value = { state: 'waiting', again, nextTryAt: Date.now() + delay, reason, stranger };
        await this.#wait.for(delay, stopped);
        if (stopped.aborted) return 'stopped';
      }
      try {
        await this.read(again, stopped);
        if (stopped.aborted) return 'stopped';
        this.#underWay = null;
        this.sync.value = { state: 'synced', resyncedAt: again ? Date.now() : null };
        return 'synced';
      } catch (e) {
        if (stopped.aborted || signedOut.value !== null) return 'stopped';
        if (e instanceof Refusal && !e.passing) {
          this.sync.value = { state: 'cannot', reason: e.message };
          return 'cannot';
        }
        const stranger = e instanceof Refusal && e.code === 'stranger';
        this.sync.value = { state: 'waiting', again, nextTryAt: Date.now(), reason: words(e), stranger };
      }
    }
  }

  /** Starts the next try now. */
  hurry(): void {
    this.#wait.cut();
  }

  /** Stops the load under way. */
  stop(): void {
    this.#underWay?.abort();
    this.sync.value = { state: 'loading' };
  }
}
