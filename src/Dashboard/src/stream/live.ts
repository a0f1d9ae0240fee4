import { batch, signal } from '@preact/signals';
import { answerOf, api, distrust } from '../api/client';
import type { DashboardEvent } from '../api/events';
import { key, signOut } from '../api/session';
import type { Connection, FeedEvent } from './feed';
import type { ToTab } from './hub';
import { type Link, openLink } from './link';
import { Picture, type Store } from './picture';
import { Syncing } from './sync';

/** The parts of the page that Live works with. */
export interface LiveParts {
  stores: readonly Store[];
  onOtherVersion: () => void;
  /** The build of this page; null where unknown, then the first snapshot's counts. */
  build: string | null;
}

/** Events within this time are applied together. */
const TOGETHER_MS = 40;
/** While more events come than anybody can read, fewer drawings leave the frames to the operator. */
const CROWDED_MS = 250;
/** So many events in a second crowd the page. */
const CROWDED = 1_000;
/**
 * The number of events that wait for a snapshot; past it, the stream is closed and opened again behind the snapshot.
 */
const MAX_QUEUED = 10_000;

/**
 * Keeps the page in sync with the host: one snapshot, the stream behind it, and a new snapshot only when the host says
 * that events are gone.
 */
export class Live {
  readonly connection = signal<Connection>({ state: 'connecting' });

  readonly #syncing = new Syncing((again, stopped) => this.#read(again, stopped));
  readonly sync = this.#syncing.sync;

  #parts: LiveParts = { stores: [], onOtherVersion: () => {}, build: null };
  readonly #picture = signal(new Picture([]));
  #link: Link | null = null;
  #attached = false;
  #usedKey: string | null = null;
  #queue: FeedEvent[] = [];
  #flushTimer: ReturnType<typeof setTimeout> | null = null;
  #flushedAt = 0;
  #together = TOGETHER_MS;

  /** The picture that is kept in sync. */
  get picture(): Picture {
    return this.#picture.value;
  }

  /** Sets what is kept in sync, before the first start. */
  use(parts: LiveParts): void {
    this.#parts = parts;
    this.#picture.value = new Picture(parts.stores);
  }

  start(): void {
    void this.#load(false);
  }

  stop(): void {
    this.#syncing.stop();
    this.#detach();
  }

  /** Retries now, at the operator's request. */
  retry(): void {
    this.#syncing.hurry();
    if (this.sync.value.state === 'cannot') void this.#load(this.picture.loaded.value);
    if (this.#attached) this.#link?.send({ type: 'retry' });
  }

  receive(message: ToTab): void {
    // Ignores messages from before this tab left the stream.
    if (!this.#attached) return;
    switch (message.type) {
      case 'connection':
        // The stream has broken off: the next request uses a new connection, and another program may listen there by
        // now.
        if (message.connection.state !== 'live') distrust();
        if (message.connection.state === 'signed_out' && signOut(this.#usedKey)) this.#attach();
        this.connection.value = message.connection;
        break;
      case 'ready':
        if (this.#isOther(message.hiveVersion, this.picture.loaded.value)) this.#parts.onOtherVersion();
        break;
      case 'events':
        for (const event of message.events) this.#queue.push(event);
        this.#scheduleFlush();
        if (this.#queue.length > MAX_QUEUED && this.#syncing.loading) this.#detach();
        break;
      case 'resync':
        void this.#load(true);
        break;
      case 'probe':
        this.#link?.send({ type: 'alive' });
        break;
      case 'lost':
        this.#attach();
        break;
    }
  }

  async #load(again: boolean): Promise<void> {
    const end = await this.#syncing.load(again);
    if (end === 'cannot') this.#detach();
    if (end !== 'synced') return;
    this.#flush();
    if (!this.#attached) this.#attach();
  }

  async #read(again: boolean, stopped: AbortSignal): Promise<void> {
    const snapshot = await answerOf(api.GET('/api/state', { signal: stopped }));
    if (this.#isOther(snapshot.hive_version, again)) {
      this.#syncing.stop();
      this.#parts.onOtherVersion();
      return;
    }
    this.picture.applySnapshot(snapshot);
    await this.picture.read(stopped);
  }

  /** Whether the host has another build than this page. */
  #isOther(version: string, loaded: boolean): boolean {
    const { build } = this.#parts;
    return build !== null ? build !== version : loaded && this.picture.hiveVersion.value !== version;
  }

  #attach(): void {
    this.#link ??= openLink(
      (message) => this.receive(message),
      () => {
        if (this.#attached) this.#attach();
      },
    );
    this.#attached = true;
    this.#usedKey = key();
    this.#link.send({ type: 'attach', key: this.#usedKey ?? '', cursor: this.picture.cursor });
  }

  /** Leaves the stream and discards its events; the next attach gets all events after the cursor of the snapshot. */
  #detach(): void {
    if (this.#attached) this.#link?.send({ type: 'bye' });
    this.#attached = false;
    this.#queue = [];
    this.connection.value = { state: 'connecting' };
  }

  #scheduleFlush(): void {
    if (this.#flushTimer !== null) return;
    const since = Date.now() - this.#flushedAt;
    if (since >= this.#together) this.#flush();
    else this.#flushTimer = setTimeout(() => this.#flush(), this.#together - since);
  }

  #flush(): void {
    if (this.#flushTimer !== null) clearTimeout(this.#flushTimer);
    this.#flushTimer = null;
    // While a snapshot is being loaded, events wait.
    if (this.#syncing.loading) return;
    const now = Date.now();
    const events = this.#queue;
    this.#together =
      events.length * 1000 > CROWDED * Math.max(now - this.#flushedAt, TOGETHER_MS) ? CROWDED_MS : TOGETHER_MS;
    this.#flushedAt = now;
    this.#queue = [];
    batch(() => {
      for (const { id, data } of events) {
        this.picture.apply(id, JSON.parse(data) as DashboardEvent);
      }
    });
  }
}
