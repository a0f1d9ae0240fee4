import { batch, type Signal, signal } from '@preact/signals';
import type { MessageEventKind } from '../../api/events';
import type { History, Message } from '../../api/types';
import { emptyFlow, type Flow, newestPage, olderPage, trimmed, withMessage } from './message-log';

/** Fetches the page before a message, or the newest one. */
export type FetchPage = (before: number | null, stopped?: AbortSignal) => Promise<History>;

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
      let flow = older ? olderPage(this.flow.value, history) : newestPage(history);
      this.#oldest = history.messages.reduce<number | null>(
        (low, { id }) => (low === null || id < low ? id : low),
        before,
      );
      flow = { ...flow, rows: flow.rows.filter(({ message }) => this.shows(message)) };
      for (const { kind, message, sent } of this.#since.values()) {
        // Replacing rows of the answer is harmless: the later events follow.
        if (sent) flow = withMessage(flow, 'sent', message, this.matches);
        flow = withMessage(flow, kind, message, this.matches);
      }
      batch(() => {
        this.flow.value = flow;
        this.loaded.value = true;
        if (!older) this.unseen.value = 0;
      });
    } finally {
      if (--this.#underWay === 0) this.#since.clear();
    }
  }

  /** Shows the page that ends with a message, which may be far before the newest one. */
  upTo(id: number): Promise<void> {
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

  #before(): number | null {
    return this.#oldest ?? this.flow.peek().rows[0]?.message.id ?? null;
  }
}
