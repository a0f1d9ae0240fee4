import { type Cursor, parseCursor } from './cursor';
import { type Connection, Feed, type FeedEvent } from './feed';

export type ToHub =
  | { type: 'attach'; key: string; cursor: string }
  | { type: 'alive' }
  | { type: 'retry' }
  | { type: 'bye' };

export type ToTab =
  | { type: 'connection'; connection: Connection }
  | { type: 'ready'; cursor: string; hiveVersion: string }
  | { type: 'events'; events: FeedEvent[] }
  | { type: 'resync'; cursor: string }
  | { type: 'probe' }
  | { type: 'lost' };

export interface TabPort {
  postMessage(message: ToTab): void;
}

const MAX_EVENTS = 8192;
const MAX_CHARS = 16 * 1024 * 1024;
/** A tab is probed with each ping (4 s). After this many probes without an answer it is closed, crashed or frozen. */
export const UNANSWERED = 18;

interface Tab {
  unanswered: number;
  /** The tab's snapshot is of another run of the host; the next `ready` tells which run is the older one. */
  foreign: boolean;
}

/**
 * One stream for all tabs of a browser. A tab attaches with the cursor of its snapshot; the hub holds the recent
 * events: those after that cursor are sent before anything live, and a tab whose cursor is too old is told to resync.
 */
export class StreamHub {
  readonly #tabs = new Map<TabPort, Tab>();
  readonly #feed: Feed;
  #recent: (FeedEvent & { seq: number })[] = [];
  #chars = 0;
  /** Everything after this and up to the head is in #recent. */
  #floor: Cursor = { epoch: '', seq: 0 };
  #head: Cursor = { epoch: '', seq: 0 };
  #key = '';
  #ready: { cursor: string; hiveVersion: string } | null = null;

  constructor() {
    this.#feed = new Feed({
      connection: (connection) => this.#tellAll({ type: 'connection', connection }),
      ready: (cursor, hiveVersion) => this.#onReady(cursor, hiveVersion),
      events: (events) => this.#onEvents(events),
      resync: (cursor) => this.#onResync(cursor),
      ping: () => this.#probe(),
    });
  }

  get tabs(): number {
    return this.#tabs.size;
  }

  receive(port: TabPort, message: ToHub): void {
    const tab = this.#tabs.get(port);
    switch (message.type) {
      case 'attach':
        this.#attach(port, message.key, message.cursor);
        break;
      case 'alive':
        if (tab === undefined) port.postMessage({ type: 'lost' });
        else tab.unanswered = 0;
        break;
      case 'retry':
        this.#feed.retryNow();
        break;
      case 'bye':
        this.#drop(port);
        break;
    }
  }

  #attach(port: TabPort, key: string, cursor: string): void {
    const from = parseCursor(cursor);
    if (from === null) {
      port.postMessage({
        type: 'connection',
        connection: { state: 'cannot', reason: `the host gave a cursor that makes no sense: ${cursor}` },
      });
      return;
    }
    const first = this.#tabs.size === 0;
    const tab: Tab = { unanswered: 0, foreign: false };
    this.#tabs.set(port, tab);
    if (first) {
      this.#restartAt(from);
      this.#key = key;
      this.#feed.start(key, cursor);
      return;
    }
    if (!this.#feed.running || key !== this.#key) {
      // The newest key is the most likely to be valid. The other tabs have everything up to the head: continue from
      // there.
      this.#key = key;
      this.#feed.start(key, text(this.#head));
    } else {
      port.postMessage({ type: 'connection', connection: this.#feed.connection });
    }
    if (from.epoch !== this.#head.epoch) {
      tab.foreign = true;
      this.#feed.reopen();
      return;
    }
    if (from.seq < this.#floor.seq) port.postMessage({ type: 'resync', cursor: text(this.#head) });
    else {
      const missed = this.#recent.filter((e) => e.seq > from.seq);
      if (missed.length > 0) port.postMessage({ type: 'events', events: missed.map(({ id, data }) => ({ id, data })) });
    }
    if (this.#ready !== null) port.postMessage({ type: 'ready', ...this.#ready });
  }

  #onReady(cursor: string, hiveVersion: string): void {
    this.#ready = { cursor, hiveVersion };
    const now = parseCursor(cursor);
    for (const [port, tab] of this.#tabs) {
      port.postMessage({ type: 'ready', cursor, hiveVersion });
      if (!tab.foreign || now === null) continue;
      if (now.epoch === this.#head.epoch) {
        // The stream is of the current run, so the tab's snapshot is of an older one.
        tab.foreign = false;
        port.postMessage({ type: 'resync', cursor: text(this.#head) });
      }
      // Else a resync for all tabs follows on the stream.
    }
  }

  #onEvents(events: FeedEvent[]): void {
    const fresh: FeedEvent[] = [];
    for (const event of events) {
      const at = parseCursor(event.id);
      if (at === null || (at.epoch === this.#head.epoch && at.seq <= this.#head.seq)) continue;
      this.#head = at;
      this.#recent.push({ ...event, seq: at.seq });
      this.#chars += event.data.length;
      fresh.push(event);
    }
    let spare = 0;
    while (this.#recent.length - spare > MAX_EVENTS || this.#chars > MAX_CHARS) {
      const oldest = this.#recent[spare++];
      if (oldest === undefined) break;
      this.#chars -= oldest.data.length;
      this.#floor = { epoch: this.#head.epoch, seq: oldest.seq };
    }
    if (spare > 0) this.#recent = this.#recent.slice(spare);
    if (fresh.length > 0) this.#tellAll({ type: 'events', events: fresh });
  }

  #onResync(cursor: string): void {
    const at = parseCursor(cursor);
    if (at === null) return;
    this.#restartAt(at);
    for (const tab of this.#tabs.values()) tab.foreign = false;
    this.#tellAll({ type: 'resync', cursor });
  }

  #restartAt(at: Cursor): void {
    this.#floor = this.#head = at;
    this.#recent = [];
    this.#chars = 0;
  }

  #probe(): void {
    for (const [port, tab] of this.#tabs) {
      if (tab.unanswered++ >= UNANSWERED) this.#drop(port);
      else port.postMessage({ type: 'probe' });
    }
  }

  #drop(port: TabPort): void {
    if (this.#tabs.delete(port) && this.#tabs.size === 0) {
      this.#feed.stop();
      this.#ready = null;
      this.#restartAt({ epoch: '', seq: 0 });
    }
  }

  #tellAll(message: ToTab): void {
    for (const port of this.#tabs.keys()) port.postMessage(message);
  }
}

const text = (cursor: Cursor): string => `${cursor.epoch}-${cursor.seq}`;
