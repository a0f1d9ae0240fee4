import type { MessageEventKind } from '../../api/events';
import type { History, Message, RemovedMessages } from '../../api/types';

export type Removed = RemovedMessages;

/** A message as the log shows it: `dropped` is known from its event alone. */
export interface FlowRow {
  message: Message;
  dropped: boolean;
}

export interface Flow {
  /** Oldest first, by id. */
  rows: readonly FlowRow[];
  /** Whether the last row is the newest; false after paging back has dropped the newest ones. */
  atHead: boolean;
  hasOlder: boolean;
}

/** The number of messages on a page of the host's answer. */
export const PAGE = 200;
/** Rows kept while the log follows; older ones are fetched again when scrolled to. */
export const KEPT_LIVE = 600;
/** Rows kept at most. */
export const KEPT = 2000;

export const emptyFlow: Flow = { rows: [], atHead: true, hasOlder: true };

/** The newest page, replacing the old rows. */
export function newestPage(history: History): Flow {
  return { rows: byId(history.messages), atHead: true, hasOlder: history.messages.length >= PAGE };
}

/** Puts an older page in front. Past the bound the newest rows are dropped, and the log no longer reaches the head. */
export function olderPage(flow: Flow, history: History): Flow {
  const oldest = flow.rows[0]?.message.id ?? Number.MAX_SAFE_INTEGER;
  const older = byId(history.messages.filter((m) => m.id < oldest));
  const rows = [...older, ...flow.rows];
  return trimmed({ rows, atHead: flow.atHead, hasOlder: history.messages.length >= PAGE }, false);
}

/**
 * The rows from the id <first> on, read again after events were missed. <meets>: the answers reach the newest message;
 * otherwise there is a gap behind the last row.
 */
export function caughtUp(flow: Flow, read: readonly Message[], first: number, meets: boolean): Flow {
  const dropped = new Set(flow.rows.flatMap((row) => (row.dropped ? [row.message.id] : [])));
  const known = new Map(read.filter(({ id }) => id >= first).map((message) => [message.id, message]));
  const rows = byId([...known.values()]).map((row) => ({ ...row, dropped: dropped.has(row.message.id) }));
  return { ...flow, rows: [...flow.rows.filter(({ message }) => message.id < first), ...rows], atHead: meets };
}

/** Without the messages that were deleted: those that every given member of the rule fits. */
export function withoutRemoved(flow: Flow, rule: Removed): Flow {
  const rows = flow.rows.filter(({ message }) => !isRemoved(message, rule));
  return rows.length === flow.rows.length ? flow : { ...flow, rows };
}

export const isRemoved = ({ id, to, acked_at }: Message, { to: of, up_to, acked_before }: Removed): boolean =>
  (of == null || to === of) &&
  (up_to == null || id <= up_to) &&
  (acked_before == null || (acked_at != null && Date.parse(acked_at) < Date.parse(acked_before)));

/**
 * One event: a known row is replaced, a new message goes to its place by id, and a row that matches no longer goes.
 * Applying it twice changes nothing.
 */
export function withMessage(
  flow: Flow,
  kind: MessageEventKind,
  message: Message,
  matches?: (message: Message) => boolean,
): Flow {
  const at = place(flow.rows, message.id);
  const known = flow.rows[at];
  if (known?.message.id === message.id) {
    if (matches?.(message) === false) return { ...flow, rows: flow.rows.toSpliced(at, 1) };
    return {
      ...flow,
      rows: flow.rows.with(at, { message: detailed(known.message, message), dropped: kind === 'dropped' }),
    };
  }
  // Of all messages only `sent` adds a row: other events of unknown ones concern rows that were dropped. A message can
  // come to match by any event.
  if (!flow.atHead || (matches === undefined ? kind !== 'sent' : !matches(message))) return flow;
  if (at === 0 && flow.rows.length > 0 && flow.hasOlder) return flow;
  return { ...flow, rows: flow.rows.toSpliced(at, 0, { message, dropped: false }) };
}

/** A message as an event has it, with what only the history tells of its delivery so far. */
function detailed(before: Message, now: Message): Message {
  const { leased_at, leased_by, attempts_log } = before;
  return {
    ...(leased_at === undefined ? {} : { leased_at }),
    ...(leased_by === undefined ? {} : { leased_by }),
    ...(attempts_log === undefined ? {} : { attempts_log }),
    ...now,
  };
}

/** Keeps the log within its bounds: drops the oldest rows while it follows, else the newest, so that nothing moves. */
export function trimmed(flow: Flow, following: boolean): Flow {
  if (following && flow.atHead)
    return flow.rows.length > KEPT_LIVE ? { ...flow, rows: flow.rows.slice(-KEPT_LIVE), hasOlder: true } : flow;
  return flow.rows.length > KEPT ? { ...flow, rows: flow.rows.slice(0, KEPT), atHead: false } : flow;
}

export type Mark = 'waiting' | 'delivered' | 'acked' | 'requeued' | 'parked' | 'dropped';

export function markOf({ message, dropped }: FlowRow): Mark {
  // A parked message that was dropped is settled, and stays parked.
  if (dropped || (message.parked_at != null && message.acked_at != null)) return 'dropped';
  if (message.parked_at != null) return 'parked';
  if (message.acked_at != null) return 'acked';
  if (message.delivered_at != null) return 'delivered';
  return (message.attempts ?? 0) > 0 ? 'requeued' : 'waiting';
}

/** The instant at which a failed message is delivered again; null when it does not wait for one. */
export function backedOffUntil({ message, dropped }: FlowRow): string | null {
  const { next_attempt_at, parked_at, acked_at, delivered_at } = message;
  return dropped || parked_at != null || acked_at != null || delivered_at != null ? null : (next_attempt_at ?? null);
}

function byId(messages: readonly Message[]): FlowRow[] {
  return [...messages].sort((a, b) => a.id - b.id).map((message) => ({ message, dropped: false }));
}

/** The index of the first row whose id is not below <id>. */
function place(rows: readonly FlowRow[], id: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.message.id ?? 0) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
