import { signal } from '@preact/signals';
import { Refusal, words } from '../api/refusal';
import { signedOut } from '../api/session';
import { resyncDelay } from './backoff';
import { Wait } from './wait';

/** How the page's picture stands to the host's: what the stream alone cannot say. */
export type Sync =
  | { state: 'loading' }
  | { state: 'waiting'; again: boolean; nextTryAt: number; reason: string; stranger: boolean }
  | { state: 'synced'; resyncedAt: number | null }
  | { state: 'cannot'; reason: string };

/** Reads a picture of what the host has until it is there, ever more slowly while that fails, and says truly how it goes. */
export class Syncing {
  readonly sync = signal<Sync>({ state: 'loading' });

  #underWay: AbortController | null = null;
  readonly #wait = new Wait();

  /** <read> fetches and shows; once <stopped>, nothing of it may be shown any more. */
  constructor(private readonly read: (again: boolean, stopped: AbortSignal) => Promise<void>) {}

  /** The picture is not there yet. */
  get loading(): boolean {
    return this.#underWay !== null;
  }

  /** Reads it in place of what is under way; <again>: it was there, and is out of date. What came of it, unless it was stopped. */
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

  /** The next try begins now. */
  hurry(): void {
    this.#wait.cut();
  }

  /** Gives up what is under way. */
  stop(): void {
    this.#underWay?.abort();
    this.sync.value = { state: 'loading' };
  }
}
