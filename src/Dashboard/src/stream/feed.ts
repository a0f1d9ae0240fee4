import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { proven } from '../api/proof';
import { Refusal, refusalOf } from '../api/refusal';
import { Wait } from './wait';

/** The state of the connection to the host; instants in ms since 1970. */
export type Connection =
  | { state: 'connecting' }
  | { state: 'live'; since: number }
  | { state: 'reconnecting'; since: number; nextTryAt: number; reason: string }
  /** Another program answers at the host's address. */
  | { state: 'stranger'; since: number; nextTryAt: number }
  | { state: 'signed_out' }
  | { state: 'cannot'; reason: string };

export interface FeedEvent {
  id: string;
  data: string;
}

export interface FeedSink {
  connection(connection: Connection): void;
  ready(cursor: string, hiveVersion: string): void;
  events(events: FeedEvent[]): void;
  resync(cursor: string): void;
  ping(): void;
}

/** The host pings every 4 s; after two missed pings and 2 s more the host counts as gone. */
export const SILENCE_MS = 10_000;
/** The longest unfinished event that is held. */
export const MAX_PENDING = 16 * 1024 * 1024;
const FIRST_DELAY_MS = 500;
export const MAX_DELAY_MS = 15_000;
/** After a connection of this length the back-off starts from the beginning. */
const STEADY_MS = 10_000;

/** The end of one try at the stream. */
interface End {
  reason: string;
  wasLive: boolean;
  stranger?: true;
  /** Set where there is no further try. */
  final?: Connection;
}

/** Holds one stream to the host open: reconnects with back-off from the last event, and reports its state. */
export class Feed {
  #key = '';
  #cursor = '';
  #run: AbortController | null = null;
  readonly #wait = new Wait();
  #connection: Connection = { state: 'connecting' };

  /** <stream> holds parameters beside the cursor, such as the agent whose events are wanted. */
  constructor(
    private readonly sink: FeedSink,
    private readonly stream: Readonly<Record<string, string>> = {},
  ) {}

  get connection(): Connection {
    return this.#connection;
  }

  get running(): boolean {
    return this.#run !== null;
  }

  /** Opens the stream behind <cursor>, replacing an open one. */
  start(key: string, cursor: string): void {
    this.stop();
    this.#key = key;
    this.#cursor = cursor;
    const run = new AbortController();
    this.#run = run;
    addEventListener('offline', this.#askAgain);
    void this.#keepOpen(run);
  }

  /** The network is gone: whether the host is, too, is told by opening the stream again. */
  readonly #askAgain = (): void => {
    if (this.running) this.reopen();
  };

  /** Tries again at once if it is waiting or has given up. */
  retryNow(): void {
    if (!this.#wait.cut() && this.#run === null && this.#cursor !== '') this.start(this.#key, this.#cursor);
  }

  /** Drops the open connection and opens it again from the same place. */
  reopen(): void {
    if (this.#cursor !== '') this.start(this.#key, this.#cursor);
  }

  stop(): void {
    this.#run?.abort();
    this.#run = null;
    removeEventListener('offline', this.#askAgain);
  }

  async #keepOpen(run: AbortController): Promise<void> {
    let delay = FIRST_DELAY_MS;
    let brokenSince: number | null = null;
    this.#say({ state: 'connecting' });
    while (true) {
      const openedAt = Date.now();
      const end = await this.#readOnce(run.signal);
      if (run.signal.aborted) return;
      if (end.final !== undefined) {
        this.#run = null;
        this.#say(end.final);
        return;
      }
      if (end.wasLive) {
        brokenSince = null;
        if (Date.now() - openedAt >= STEADY_MS) delay = FIRST_DELAY_MS;
      }
      brokenSince ??= Date.now();
      // Half of it random: many pages that lost one host do not reconnect in step.
      const wait = delay / 2 + (Math.random() * delay) / 2;
      delay = Math.min(delay * 2, MAX_DELAY_MS);
      const since = brokenSince;
      const broken = (nextTryAt: number): Connection =>
        end.stranger === true
          ? { state: 'stranger', since, nextTryAt }
          : { state: 'reconnecting', since, nextTryAt, reason: end.reason };
      this.#say(broken(Date.now() + wait));
      await this.#wait.for(wait, run.signal);
      if (run.signal.aborted) return;
      // Not without a time: the page would lose its button for as long as each try takes.
      this.#say(broken(Date.now()));
    }
  }

  async #readOnce(run: AbortSignal): Promise<End> {
    const attempt = new AbortController();
    const stopAttempt = () => attempt.abort();
    run.addEventListener('abort', stopAttempt);
    let wasLive = false;
    let silent = false;
    const hush = () => {
      silent = true;
      attempt.abort();
    };
    let watchdog = setTimeout(hush, SILENCE_MS);
    try {
      // For each try: another program may answer by now.
      const masked = await proven(this.#key, attempt.signal);
      const response = await fetch(
        `/dashboard/stream?${new URLSearchParams({ ...this.stream, cursor: this.#cursor }).toString()}`,
        {
          headers: { Authorization: `Bearer ${masked}`, Accept: 'text/event-stream', 'Last-Event-ID': this.#cursor },
          signal: attempt.signal,
          cache: 'no-store',
          credentials: 'omit',
        },
      );
      if (!response.ok || response.body === null) {
        // The host knew the key a moment ago; the next proof tells whether it still does.
        if (response.status === 401) return { reason: 'the host took the key no longer', wasLive };
        const { message, passing } = await refusalOf(response);
        return passing
          ? { reason: message, wasLive }
          : { reason: message, wasLive, final: { state: 'cannot', reason: message } };
      }
      const reader = response.body.getReader();
      const decoder = new TextDecoder();
      let batch: FeedEvent[] = [];
      const flush = () => {
        if (batch.length > 0) this.sink.events(batch);
        batch = [];
      };
      const take = ({ event = 'message', id, data }: EventSourceMessage) => {
        switch (event) {
          case 'message':
            // The host sends every event with its cursor as the id.
            if (id === undefined) return;
            this.#cursor = id;
            batch.push({ id, data });
            break;
          case 'ready': {
            flush();
            const ready = JSON.parse(data) as { cursor: string; hive_version: string };
            wasLive = true;
            // The id of this event is the cursor that is known here already; the cursor in it is the host's newest
            // event.
            this.sink.ready(ready.cursor, ready.hive_version);
            this.#say({ state: 'live', since: Date.now() });
            break;
          }
          case 'resync':
            flush();
            this.#cursor = (JSON.parse(data) as { cursor: string }).cursor;
            this.sink.resync(this.#cursor);
            break;
          case 'ping':
            this.sink.ping();
            break;
        }
      };
      const parser = createParser({
        onEvent: take,
        onError: (error) => {
          // Other errors concern unknown fields.
          if (error.type === 'max-buffer-size-exceeded') throw error;
        },
        maxBufferSize: MAX_PENDING,
      });
      while (true) {
        const { done, value } = await reader.read();
        if (run.aborted) return { reason: '', wasLive };
        if (done) return { reason: 'the host closed the stream', wasLive };
        clearTimeout(watchdog);
        watchdog = setTimeout(hush, SILENCE_MS);
        parser.feed(decoder.decode(value, { stream: true }));
        flush();
      }
    } catch (e) {
      if (silent) return { reason: 'nothing was heard from the host for 10 seconds', wasLive };
      if (e instanceof Refusal) return unproven(e);
      return {
        reason:
          wasLive && e instanceof TypeError
            ? 'the connection broke off'
            : e instanceof TypeError
              ? 'the host cannot be reached'
              : String(e),
        wasLive,
      };
    } finally {
      clearTimeout(watchdog);
      run.removeEventListener('abort', stopAttempt);
      attempt.abort();
    }
  }

  #say(connection: Connection): void {
    this.#connection = connection;
    this.sink.connection(connection);
  }
}

/** The end of a try without a proof of the host. */
function unproven({ code, message }: Refusal): End {
  const end = { reason: message, wasLive: false };
  switch (code) {
    case 'stranger':
      return { ...end, stranger: true };
    case 'unknown_key':
      return { ...end, final: { state: 'signed_out' } };
    case 'not_secure':
      return { ...end, final: { state: 'cannot', reason: message } };
    default:
      return end;
  }
}
