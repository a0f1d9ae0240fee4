import { batch, computed, signal } from '@preact/signals';
import { answerOf, api } from '../../api/client';
import type { MessageEventKind } from '../../api/events';
import type { History, Message, Snapshot } from '../../api/types';
import { backedOffUntil, emptyFlow, type Flow, newestPage, olderPage, trimmed, withMessage } from './message-log';

const INBOX_ROWS = 50;
const PARKED_ROWS = 200;

const newestFirst = (a: Message, b: Message): number => b.id - a.id;

/** The messages that the page holds: the log, the operator's inbox, and failed ones. */
export class Messages {
  readonly parked = signal<readonly Message[]>([]);
  /** Failed messages in back-off, as far as the page has seen them; the newest first. */
  readonly backedOff = signal<readonly Message[]>([]);
  readonly inbox = signal<readonly Message[]>([]);
  readonly inboxUnread = signal(0);
  readonly flow = signal<Flow>(emptyFlow);
  readonly flowLoaded = signal(false);
  /** Whether the log follows its newest row; while it does, the oldest rows may be dropped. */
  readonly following = signal(true);
  readonly unseen = signal(0);
  /** The number of messages that wait for the operator. */
  readonly waiting = computed(() => this.inboxUnread.value + this.parked.value.length);

  /** How many pages of the log are being fetched. */
  #underWay = 0;
  /** Events that came while pages were being fetched; they are applied to the answers, which may be older. */
  #since = new Map<number, { kind: MessageEventKind; message: Message; sent: boolean }>();

  snapshot({ parked, inbox, inbox_unread }: Pick<Snapshot, 'parked' | 'inbox' | 'inbox_unread'>): void {
    this.parked.value = [...parked].sort(newestFirst);
    this.backedOff.value = [];
    this.inbox.value = [...inbox].sort(newestFirst).slice(0, INBOX_ROWS);
    this.inboxUnread.value = inbox_unread;
  }

  /** Reads the newest page of the log, which the page shows first. */
  read(stopped: AbortSignal): Promise<void> {
    return this.page(false, stopped);
  }

  /** Fetches the page of the log before its first row, or the newest one. */
  page(older: boolean, stopped?: AbortSignal): Promise<void> {
    return this.place(older, (before) =>
      answerOf(
        api.GET('/dashboard/history', {
          params: { query: before === null ? {} : { before } },
          signal: stopped ?? null,
        }),
      ),
    );
  }

  /** Puts a page in its place once it has been fetched. */
  async place(older: boolean, fetchPage: (before: number | null) => Promise<History>): Promise<void> {
    const before = older ? (this.flow.value.rows[0]?.message.id ?? null) : null;
    this.#underWay++;
    try {
      const history = await fetchPage(before);
      // The log was reloaded in the meantime: this page would leave a gap before it.
      if (older && this.flow.value.rows[0]?.message.id !== before) return;
      let flow = older ? olderPage(this.flow.value, history) : newestPage(history);
      for (const { kind, message, sent } of this.#since.values()) {
        // Replacing rows of the answer is harmless: the later events follow.
        if (sent) flow = withMessage(flow, 'sent', message);
        flow = withMessage(flow, kind, message);
      }
      batch(() => {
        this.flow.value = flow;
        for (const row of flow.rows) this.#backOff(row.message, row.dropped);
        this.flowLoaded.value = true;
        if (!older) this.unseen.value = 0;
      });
    } finally {
      if (--this.#underWay === 0) this.#since.clear();
    }
  }

  /** Applies an event of a message. */
  changed(kind: MessageEventKind, message: Message): void {
    if (this.#underWay > 0) {
      const before = this.#since.get(message.id);
      this.#since.set(message.id, { kind, message, sent: kind === 'sent' || before?.sent === true });
    }
    if (this.flowLoaded.value) {
      const flow = withMessage(this.flow.value, kind, message);
      if (kind === 'sent' && !(this.following.value && flow.atHead)) this.unseen.value++;
      this.flow.value = trimmed(flow, this.following.value);
    }

    const others = this.parked.value.filter((m) => m.id !== message.id);
    const isParked = message.parked_at != null && message.acked_at == null && kind !== 'dropped';
    if (isParked) this.parked.value = [message, ...others].sort(newestFirst).slice(0, PARKED_ROWS);
    else if (others.length !== this.parked.value.length) this.parked.value = others;

    this.#backOff(message, kind === 'dropped');
    if (message.to === 'operator') this.#toOperator(kind, message);
  }

  #backOff(message: Message, dropped: boolean): void {
    const others = this.backedOff.value.filter(({ id }) => id !== message.id);
    if (backedOffUntil({ message, dropped }) !== null)
      this.backedOff.value = [message, ...others].sort(newestFirst).slice(0, PARKED_ROWS);
    else if (others.length !== this.backedOff.value.length) this.backedOff.value = others;
  }

  #toOperator(kind: MessageEventKind, message: Message): void {
    const shown = this.inbox.value;
    const known = shown.find((m) => m.id === message.id);
    if (kind === 'sent' && known === undefined) this.inboxUnread.value++;
    const settled = kind === 'acked' || kind === 'dropped';
    if (settled && known?.acked_at == null) this.inboxUnread.value = Math.max(0, this.inboxUnread.value - 1);
    if (kind === 'dropped') this.inbox.value = shown.filter((m) => m.id !== message.id);
    else if (known !== undefined) this.inbox.value = shown.map((m) => (m.id === message.id ? message : m));
    else if (kind === 'sent') this.inbox.value = [message, ...shown].sort(newestFirst).slice(0, INBOX_ROWS);
  }
}

export const messages = new Messages();
