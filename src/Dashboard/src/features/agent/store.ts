import { batch, signal } from '@preact/signals';
import { answerOf, api } from '../../api/client';
import { key, signOut } from '../../api/session';
import type { Harness, TextPart } from '../../api/types';
import { type Connection, Feed, type FeedEvent } from '../../stream/feed';
import { Syncing } from '../../stream/sync';
import {
  caughtUp,
  emptyTerminal,
  freshIn,
  newestPage,
  olderPage,
  PAGE,
  type Terminal,
  trimmed,
  withEvents,
} from './entries';
import type { AgentEvent, AgentEvents, AgentStreamEvent } from './events';

/** Events within this time are applied together. */
const TOGETHER_MS = 60;
/** With more of them at once, which nobody could read, fewer entries are drawn, and less often. */
const FLOOD = 50;
const TOGETHER_IN_FLOOD_MS = 250;
/** Of a longer text that is being written only the end is shown. */
const WRITING_CHARS = 20_000;
/** Kinds of events after which no more pieces of a text come. */
const ENDS_WRITING: ReadonlySet<string> = new Set(['text', 'thinking', 'tool_call', 'turn_started', 'turn_ended']);

/**
 * Keeps the view of one agent in sync: the state of its harness and its newest events, then a stream behind them. The
 * stream is open only while the page is visible: a browser has few connections to one host, and pages in the background
 * would use them up.
 */
export class AgentLive {
  readonly harness = signal<Harness | null>(null);
  readonly terminal = signal<Terminal>(emptyTerminal);
  readonly connection = signal<Connection>({ state: 'connecting' });
  readonly #syncing = new Syncing((again, stopped) => this.#read(again, stopped));
  readonly sync = this.#syncing.sync;
  /** Whether the terminal follows its newest entry; while it does, the oldest may be dropped. */
  readonly following = signal(true);
  readonly unseen = signal(0);
  /** The first event that is drawn while the terminal does not follow. */
  readonly drawnFrom = signal(0);
  /** Whether more arrives than can be read: the newest entries are enough then. */
  readonly flooded = signal(false);
  /** The text that the agent is writing, as far as it has arrived. */
  readonly writing = signal<TextPart | null>(null);

  readonly #feed: Feed;
  /** The cursor from which the stream resumes; null before the first read. */
  #cursor: string | null = null;
  #paging: AbortController | null = null;
  #queue: AgentEvent[] = [];
  #writing: TextPart | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #usedKey: string | null = null;
  #over = false;

  constructor(
    readonly name: string,
    private readonly isVisible: () => boolean,
  ) {
    this.#feed = new Feed(
      {
        connection: (connection) => this.#onConnection(connection),
        ready: () => {},
        events: (events) => this.#onEvents(events),
        resync: () => void this.#load(true),
        ping: () => {},
      },
      { agent: name },
    );
  }

  start(): void {
    void this.#load(false);
  }

  stop(): void {
    this.#over = true;
    this.#syncing.stop();
    this.#paging?.abort();
    this.#close();
  }

  /** The page has become visible or hidden. */
  shown(): void {
    if (!this.isVisible()) this.#close();
    else if (!this.#feed.running) this.#open();
  }

  /** Retries now, at the operator's request. */
  retry(): void {
    this.#syncing.hurry();
    if (this.sync.value.state === 'cannot') void this.#load(this.harness.value !== null);
    else if (this.isVisible()) this.#feed.retryNow();
  }

  /** Fetches the page before the first event. */
  async older(): Promise<void> {
    const before = this.terminal.value.events[0]?.id;
    if (before === undefined) return;
    this.#paging?.abort();
    this.#paging = new AbortController();
    const { signal: stopped } = this.#paging;
    try {
      const page = await this.#events({ limit: PAGE, before }, stopped);
      // The terminal was reloaded in the meantime: this page would leave a gap before it.
      if (this.terminal.value.events[0]?.id === before) this.terminal.value = olderPage(this.terminal.value, page);
    } catch (e) {
      if (!stopped.aborted) throw e;
    }
  }

  /** Follows the newest event again, and fetches it where it was dropped while paging back. */
  async newest(): Promise<void> {
    this.following.value = true;
    this.unseen.value = 0;
    if (!this.terminal.value.atHead) await this.#load(false);
  }

  async #load(again: boolean): Promise<void> {
    if (this.#over) return;
    this.#close();
    this.#cursor = null;
    if ((await this.#syncing.load(again)) === 'synced') this.#open();
  }

  async #read(again: boolean, stopped: AbortSignal): Promise<void> {
    // Events between the two answers come again on the stream, and change nothing then.
    const { cursor, ...harness } = await answerOf(
      api.GET('/api/agents/{name}/harness', { params: { path: { name: this.name } }, signal: stopped }),
    );
    const page = await this.#events({ limit: PAGE }, stopped);
    if (stopped.aborted) return;
    batch(() => {
      this.harness.value = harness;
      this.terminal.value = trimmed(
        again ? caughtUp(this.terminal.value, page, this.following.value) : newestPage(page),
        this.following.value,
      );
    });
    this.#cursor = cursor ?? page.cursor;
  }

  async #events(query: { limit: number; before?: number }, stopped: AbortSignal): Promise<AgentEvents> {
    const path = { name: this.name };
    return await answerOf(api.GET('/api/agents/{name}/events', { params: { path, query }, signal: stopped }));
  }

  #open(): void {
    if (this.#over || this.#cursor === null || !this.isVisible()) return;
    this.#usedKey = key();
    this.#feed.start(this.#usedKey ?? '', this.#cursor);
  }

  #close(): void {
    this.#flush();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.flooded.value = false;
    this.#feed.stop();
    // Pieces are missed from here on; the whole text follows.
    this.#writing = this.writing.value = null;
    this.connection.value = { state: 'connecting' };
  }

  #onConnection(connection: Connection): void {
    if (connection.state === 'signed_out') {
      // After the refused connection has been reported below.
      if (signOut(this.#usedKey)) queueMicrotask(() => this.#open());
    }
    this.connection.value = connection;
  }

  #onEvents(events: readonly FeedEvent[]): void {
    for (const { id, data } of events) {
      const event = JSON.parse(data) as AgentStreamEvent;
      if (event.kind === 'agent_event') {
        this.#queue.push(event.event);
        if (ENDS_WRITING.has(event.event.kind)) this.#writing = null;
      } else if (event.kind === 'text_part') {
        this.#writing = { ...event.part, text: ((this.#writing?.text ?? '') + event.part.text).slice(-WRITING_CHARS) };
      } else if (event.kind === 'harness_changed') {
        this.harness.value = event.harness;
        // A harness that stopped in the middle of a text sends no more of it.
        if (event.harness.state !== 'thinking') this.#writing = null;
      }
      this.#cursor = id;
    }
    if (this.#queue.length > 0 || this.#writing !== this.writing.value) this.#later();
  }

  #later(): void {
    this.#timer ??= setTimeout(() => this.#flush(), this.flooded.value ? TOGETHER_IN_FLOOD_MS : TOGETHER_MS);
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const before = this.terminal.value;
    const events = freshIn(before, this.#queue);
    this.#queue = [];
    this.flooded.value = events.length > FLOOD;
    // The flood is over when little has arrived until the next time.
    if (this.flooded.value) this.#later();
    if (events.length === 0) {
      this.writing.value = this.#writing;
      return;
    }
    const after = withEvents(before, events);
    batch(() => {
      if (!(this.following.value && after.atHead)) this.unseen.value += events.length;
      this.terminal.value = trimmed(after, this.following.value);
      this.writing.value = this.#writing;
    });
  }
}
