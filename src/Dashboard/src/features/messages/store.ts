import { signal } from '@preact/signals';
import type { MessageEventKind } from '../../api/events';
import type { Message, RemovedMessages, Snapshot } from '../../api/types';
import { history } from './history';
import { MessageLog } from './log';
import { isRemoved } from './message-log';
import { Newest } from './newest';

const INBOX_ROWS = 50;
const PARKED_ROWS = 50;

/** A message of the history as the snapshot and the events have it. */
const brief = ({ leased_at, leased_by, attempts_log, ...message }: Message): Message => message;

const newestFirst = (a: Message, b: Message): number => b.id - a.id;

/** How many messages of each sender come first into the inbox: `OfEach` in `OperatorInbox.cs`. */
const OF_EACH = 3;

/** The rows of the inbox as the host chooses them: the newest of each sender, then the newest of the rest. */
function ofEverySender(rows: readonly Message[]): readonly Message[] {
  const seen = new Map<string, number>();
  const ranked = [...rows].sort(newestFirst).map((message) => {
    const round = (seen.get(message.from) ?? 0) + 1;
    seen.set(message.from, round);
    return { message, round: Math.min(round, OF_EACH + 1) };
  });
  const kept = ranked.sort((a, b) => a.round - b.round).slice(0, INBOX_ROWS);
  return kept.map(({ message }) => message).sort(newestFirst);
}

/** The messages that the page holds: the log, the operator's inbox, and failed ones. */
export class Messages {
  readonly #parked = new Newest(PARKED_ROWS, async (before) => {
    const { messages } = await history({ state: 'parked' }, before);
    return messages.map(brief);
  });
  /** The newest of the parked ones. */
  readonly parked = this.#parked.rows;
  readonly inbox = signal<readonly Message[]>([]);
  readonly inboxUnread = signal(0);
  /** All messages. */
  readonly log = new MessageLog((before, stopped) => history({}, before, stopped));
  readonly flow = this.log.flow;

  /** Logs of parts of the messages that are shown. */
  readonly #filtered = new Set<MessageLog>();

  snapshot({ parked, inbox, inbox_unread }: Pick<Snapshot, 'parked' | 'inbox' | 'inbox_unread'>): void {
    this.#parked.snapshot(parked);
    this.inbox.value = ofEverySender(inbox);
    this.inboxUnread.value = inbox_unread;
  }

  /** Reads each log that is shown, again after events were missed. */
  async read(stopped: AbortSignal): Promise<void> {
    await Promise.all([this.log, ...this.#filtered].map((log) => log.again(stopped)));
  }

  /** Keeps a log true until the returned function is called. */
  keep(log: MessageLog): () => void {
    this.#filtered.add(log);
    return () => this.#filtered.delete(log);
  }

  /** Applies an event of a message. */
  changed(kind: MessageEventKind, message: Message): void {
    this.log.changed(kind, message);
    for (const log of this.#filtered) log.changed(kind, message);

    const isParked = message.parked_at != null && message.acked_at == null && kind !== 'dropped';
    if (isParked) this.#parked.put(message);
    else this.#parked.remove(message.id);

    if (message.to === 'operator') this.#toOperator(kind, message);
  }

  /** Drops messages that were deleted. */
  removed(rule: RemovedMessages): void {
    for (const log of [this.log, ...this.#filtered]) log.removed(rule);
    for (const message of this.#parked.rows.peek()) if (isRemoved(message, rule)) this.#parked.remove(message.id);
    if (this.inbox.peek().some((message) => isRemoved(message, rule)))
      this.inbox.value = this.inbox.peek().filter((message) => !isRemoved(message, rule));
  }

  #toOperator(kind: MessageEventKind, message: Message): void {
    const shown = this.inbox.value;
    const known = shown.find((m) => m.id === message.id);
    if (kind === 'sent' && known === undefined) this.inboxUnread.value++;
    // A message to the operator is requeued only when it is made unread again.
    const again = kind === 'requeued' && (known === undefined || known.acked_at != null);
    if (again) this.inboxUnread.value++;
    const settled = kind === 'acked' || kind === 'dropped';
    if (settled && known?.acked_at == null) this.inboxUnread.value = Math.max(0, this.inboxUnread.value - 1);
    if (kind === 'dropped') this.inbox.value = shown.filter((m) => m.id !== message.id);
    else if (known !== undefined) this.inbox.value = shown.map((m) => (m.id === message.id ? message : m));
    else if (kind === 'sent' || again) this.inbox.value = ofEverySender([message, ...shown]);
  }
}

export const messages = new Messages();
