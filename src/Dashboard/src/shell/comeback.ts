import { proven } from '../api/proof';
import { Refusal } from '../api/refusal';
import { key } from '../api/session';
import { MAX_DELAY_MS } from '../stream/feed';
import { Wait } from '../stream/wait';

/** The host answers ten unknown keys a minute; pages of ended sessions must not use them up. */
const SLOWEST_MS = 5 * 60_000;

/**
 * Keeps asking for the proof behind the login screen: the program that did not know the key may not have been the host.
 */
export class Comeback {
  #run: AbortController | null = null;
  readonly #wait = new Wait();

  /** <known> is called once, when the host has proved that it knows the key. */
  constructor(private readonly known: () => void) {}

  start(): void {
    this.stop();
    this.#run = new AbortController();
    void this.#ask(this.#run.signal);
  }

  /** Starts the next try now. */
  hurry(): void {
    this.#wait.cut();
  }

  stop(): void {
    this.#run?.abort();
    this.#run = null;
  }

  async #ask(stopped: AbortSignal): Promise<void> {
    for (let delay = MAX_DELAY_MS; ; delay = Math.min(delay * 2, SLOWEST_MS)) {
      const kept = key();
      if (kept === null) return;
      await this.#wait.for(delay, stopped);
      if (stopped.aborted) return;
      try {
        await proven(kept, stopped);
      } catch (e) {
        if (stopped.aborted) return;
        // The login screen already says why the page is not live.
        if (e instanceof Refusal) continue;
        throw e;
      }
      if (stopped.aborted) return;
      this.stop();
      this.known();
      return;
    }
  }
}
