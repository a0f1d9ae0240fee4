import { batch, signal } from '@preact/signals';
import { distrust, get } from '../api/client';
import { key, signOut } from '../api/session';
import type { Approval, HiveEvent, History, Message, Question, Snapshot } from '../api/types';
import { parseCursor } from '../stream/cursor';
import type { Connection, FeedEvent } from '../stream/feed';
import type { ToTab } from '../stream/hub';
import { type Link, openLink } from '../stream/link';
import { forOperator } from './questions';
import { Swarm } from './swarm';
import { Syncing } from './sync';

/** What the operator is told of while the page is in the background. */
export type News = { message: Message } | { question: Question } | { approval: Approval };

/** Events that come close together are shown together. */
const TOGETHER_MS = 40;
/** So many events wait for a snapshot; past it, the stream is let go and joined again behind the snapshot. */
const MAX_QUEUED = 10_000;

/** Keeps one Swarm true: one snapshot, the stream behind it, and a new snapshot only when the host says that events are gone. */
export class Live {
  readonly swarm = new Swarm();
  readonly connection = signal<Connection>({ state: 'connecting' });

  readonly #syncing = new Syncing((again, stopped) => this.#read(again, stopped));
  readonly sync = this.#syncing.sync;

  #link: Link | null = null;
  #attached = false;
  #usedKey: string | null = null;
  #queue: FeedEvent[] = [];
  #flushTimer: ReturnType<typeof setTimeout> | null = null;
  #flushedAt = 0;
  /** Up to here the stream only tells what had happened before; nobody is notified of it. */
  #newsAfter: string | null = null;

  constructor(
    private readonly onNews: (news: News) => void,
    private readonly onOtherVersion: () => void,
    /** The build this page is of; null where nobody has said, then it is that of the first snapshot. */
    private readonly build: string | null = null,
  ) {}

  start(): void {
    void this.#load(false);
  }

  stop(): void {
    this.#syncing.stop();
    this.#detach();
    this.#newsAfter = null;
  }

  /** The person does not want to wait for the next try. */
  retry(): void {
    this.#syncing.hurry();
    if (this.sync.value.state === 'cannot') void this.#load(this.swarm.loaded.value);
    if (this.#attached) this.#link?.send({ type: 'retry' });
  }

  /** Fetches the page of the message log before its first row, or the newest one. */
  page(older: boolean, stopped?: AbortSignal): Promise<void> {
    return this.swarm.page(older, (before) => get<History>(before === null ? '/dashboard/history' : `/dashboard/history?before=${before}`, stopped));
  }

  receive(message: ToTab): void {
    // What was still on its way when this tab left the stream is not for it any more.
    if (!this.#attached) return;
    switch (message.type) {
      case 'connection':
        // The stream has broken off, so the next request goes over a new connection, to whoever listens there now.
        if (message.connection.state !== 'live') distrust();
        if (message.connection.state === 'signed_out' && signOut(this.#usedKey)) this.#attach();
        this.connection.value = message.connection;
        break;
      case 'ready':
        this.#newsAfter = message.cursor;
        if (this.#isOther(message.hiveVersion, this.swarm.loaded.value)) this.onOtherVersion();
        break;
      case 'events':
        for (const event of message.events) this.#queue.push(event);
        this.#flushSoon();
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
    const snapshot = await get<Snapshot>('/api/state', stopped);
    if (this.#isOther(snapshot.hive_version, again)) {
      this.#syncing.stop();
      this.onOtherVersion();
      return;
    }
    this.swarm.applySnapshot(snapshot);
    await this.page(false, stopped);
  }

  /** Whether the host is of another build than this page. */
  #isOther(version: string, loaded: boolean): boolean {
    return this.build !== null ? this.build !== version : loaded && this.swarm.hiveVersion.value !== version;
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
    this.#link.send({ type: 'attach', key: this.#usedKey ?? '', cursor: this.swarm.cursor });
  }

  /** Leaves the stream and what it brought; whoever attaches again is told of all that came after the cursor of the snapshot. */
  #detach(): void {
    if (this.#attached) this.#link?.send({ type: 'bye' });
    this.#attached = false;
    this.#queue = [];
    this.connection.value = { state: 'connecting' };
  }

  #flushSoon(): void {
    if (this.#flushTimer !== null) return;
    const since = Date.now() - this.#flushedAt;
    if (since >= TOGETHER_MS) this.#flush();
    else this.#flushTimer = setTimeout(() => this.#flush(), TOGETHER_MS - since);
  }

  #flush(): void {
    if (this.#flushTimer !== null) clearTimeout(this.#flushTimer);
    this.#flushTimer = null;
    // While a snapshot is on its way, what follows it waits.
    if (this.#syncing.loading) return;
    this.#flushedAt = Date.now();
    const events = this.#queue;
    this.#queue = [];
    const news: News[] = [];
    batch(() => {
      for (const { id, data } of events) {
        const event = JSON.parse(data) as HiveEvent;
        const told = this.swarm.apply(id, event) ? newsIn(event) : null;
        if (told !== null && this.#isNews(id)) news.push(told);
      }
    });
    for (const told of news) this.onNews(told);
  }

  #isNews(id: string): boolean {
    const after = this.#newsAfter === null ? null : parseCursor(this.#newsAfter);
    const at = parseCursor(id);
    return after !== null && at !== null && (at.epoch !== after.epoch || at.seq > after.seq);
  }
}

function newsIn(event: HiveEvent): News | null {
  if (event.kind === 'sent' && event.message.to === 'operator') return { message: event.message };
  // What the operator has asked for is no news to them.
  if (event.kind === 'approval_added') return event.approval.requester === 'operator' ? null : { approval: event.approval };
  return event.kind === 'question_added' && forOperator(event.question) ? { question: event.question } : null;
}
