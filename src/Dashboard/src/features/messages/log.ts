import { batch, type Signal, signal } from '@preact/signals';
import type { MessageEventKind } from '../../api/events';
import type { History, Message } from '../../api/types';
import {
  caughtUp,
  emptyFlow,
  type Flow,
  newestPage,
  olderPage,
  PAGE,
  type Removed,
  trimmed,
  withMessage,
  withoutRemoved,
} from './message-log';

/** Fetches the page before a message, or the newest one. */
export type FetchPage = (before: number | null, stopped?: AbortSignal) => Promise<History>;

/** The lowest id of a page, or <before> where that is lower or the page is empty. */
const lowest = ({ messages }: History, before: number | null): number | null =>
  messages.reduce((low, { id }) => (low === null || id < low ? id : low), before);

/** Messages, all or those that match, newest page first, kept true by events. */
export class MessageLog {
  readonly flow: Signal<Flow> = signal(emptyFlow);
  readonly loaded = signal(false);
  /** Whether the log follows its newest row; while it does, the oldest rows may be dropped. */
  readonly following = signal(true);
  readonly unseen = signal(0);

  /** How many pages of the log are being fetched. */
  #underWay = 0;
  /** Events that came while pages were being fetched; they are applied to the answers, which may be older. */
  #since = new Map<number, { kind: MessageEventKind; message: Message; sent: boolean }>();
  /** The messages that were deleted in that time. */
  #removed: Removed[] = [];
  /** How often the newest page, or another place of the log, took the place of its rows. */
  #loads = 0;

  /** The id of the first message that was fetched; null where rows before the first one were dropped since. */
  #oldest: number | null = null;

  /** <matches>: what an event may add. <shows>: what is shown of the pages, where that is less than all of them. */
  constructor(
    private readonly fetchPage: FetchPage,
    private readonly matches?: (message: Message) => boolean,
    private readonly shows: (message: Message) => boolean = () => true,
  ) {}

  /** Fetches the page of the log before its first row, or the newest one. */
  page(older: boolean, stopped?: AbortSignal): Promise<void> {
    return this.place(older, (before) => this.fetchPage(before, stopped));
  }

  /** Puts a page in its place once it has been fetched. */
  async place(older: boolean, fetchPage: FetchPage): Promise<void> {
    const before = older ? this.#before() : null;
    this.#underWay++;
    try {
      const history = await fetchPage(before);
      // The log was reloaded in the meantime: this page would leave a gap before it.
      if (older && this.#before() !== before) return;
      if (!older) this.#loads++;
      const flow = older ? olderPage(this.flow.value, history) : newestPage(history);
      this.#oldest = lowest(history, before);
      batch(() => {
        this.flow.value = this.#current(flow);
        this.loaded.value = true;
        if (!older) this.unseen.value = 0;
      });
    } finally {
      this.#end();
    }
  }

  /**
   * Reads the log again after events were missed. A reader further up keeps the place: the shown rows are read again,
   * and newer ones only counted.
   */
  async again(stopped?: AbortSignal): Promise<void> {
    const { rows, atHead } = this.flow.peek();
    const last = rows.at(-1)?.message.id;
    if (!this.loaded.peek() || last === undefined || (this.following.peek() && atHead))
      return this.page(false, stopped);
    const loads = this.#loads;
    this.#underWay++;
    try {
      const newest = await this.fetchPage(null, stopped);
      const head = newest.messages.reduce((high, { id }) => Math.max(high, id), 0);
      // Ids of another database start from 1 again.
      if (head < last) return await this.page(false, stopped);
      const first = this.#before() ?? rows[0]?.message.id ?? last;
      const whole = newest.messages.length < PAGE;
      const meets = whole || (lowest(newest, null) ?? 0) <= last;
      const read = meets ? [...newest.messages] : [];
      let [before, older] = [meets ? (lowest(newest, null) ?? 0) : last + 1, !(meets && whole)];
      while (older && before > first) {
        const page = await this.fetchPage(before, stopped);
        read.push(...page.messages);
        older = page.messages.length >= PAGE;
        before = lowest(page, before) ?? before;
      }
      // The log was loaded whole in the meantime.
      if (this.#loads !== loads) return;
      const flow = this.#current(caughtUp(this.flow.peek(), read, first, meets));
      batch(() => {
        this.unseen.value += newest.messages.filter(
          (m) => m.id > last && this.shows(m) && this.#since.get(m.id)?.sent !== true,
        ).length;
        this.flow.value = trimmed(flow, false);
      });
    } finally {
      this.#end();
    }
  }

  /** The rows of answers, with what has happened since they were asked for. */
  #current(answer: Flow): Flow {
    let flow: Flow = { ...answer, rows: answer.rows.filter(({ message }) => this.shows(message)) };
    for (const { kind, message, sent } of this.#since.values()) {
      // Replacing rows of the answer is harmless: the later events follow.
      if (sent) flow = withMessage(flow, 'sent', message, this.matches);
      flow = withMessage(flow, kind, message, this.matches);
    }
    for (const removed of this.#removed) flow = withoutRemoved(flow, removed);
    return flow;
  }

  #end(): void {
    if (--this.#underWay > 0) return;
    this.#since.clear();
    this.#removed = [];
  }

  /** Shows the page that ends with a message, which may be far before the newest one. */
  upTo(id: number): Promise<void> {
    this.#loads++;
    this.#oldest = id + 1;
    this.flow.value = { rows: [], atHead: false, hasOlder: true };
    return this.page(true);
  }

  /** Applies an event of a message. */
  changed(kind: MessageEventKind, message: Message): void {
    if (this.#underWay > 0) {
      const before = this.#since.get(message.id);
      this.#since.set(message.id, { kind, message, sent: kind === 'sent' || before?.sent === true });
    }
    if (!this.loaded.peek()) return;
    const before = this.flow.peek();
    const flow = withMessage(before, kind, message, this.matches);
    if (kind === 'sent' && this.matches?.(message) !== false && !(this.following.peek() && flow.atHead))
      this.unseen.value++;
    const kept = trimmed(flow, this.following.peek());
    if (kept.rows.length > 0 && kept.rows[0] !== flow.rows[0]) this.#oldest = null;
    if (kept !== before) this.flow.value = kept;
  }

  /** Drops messages that were deleted. */
  removed(rule: Removed): void {
    if (this.#underWay > 0) this.#removed.push(rule);
    const before = this.flow.peek();
    const flow = withoutRemoved(before, rule);
    if (flow === before) return;
    this.#oldest ??= before.rows[0]?.message.id ?? null;
    this.flow.value = flow;
  }

  #before(): number | null {
    return this.#oldest ?? this.flow.peek().rows[0]?.message.id ?? null;
  }
}
