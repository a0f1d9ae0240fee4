import type { TextPart } from '../../api/types';
import type { AgentEvent, AgentEvents } from './events';

/** The events of an agent that the page holds. */
export interface Terminal {
  /** Oldest first, by id. */
  events: readonly AgentEvent[];
  /** Whether the last event is the newest; false after paging back has dropped the newest ones. */
  atHead: boolean;
  hasOlder: boolean;
  /** The newest event that has arrived, shown or not. */
  head: number;
}

/** The number of events on a page of the host's answer. */
export const PAGE = 200;
/** Events kept while following; older ones are fetched again when scrolled to. */
export const KEPT_LIVE = 1000;
/** Events kept at most. */
export const KEPT = 2000;

export const emptyTerminal: Terminal = { events: [], atHead: true, hasOlder: false, head: 0 };

const newestId = (events: readonly AgentEvent[]): number => events.at(-1)?.id ?? 0;

/** The newest page, replacing the old rows. */
export const newestPage = ({ events, more }: AgentEvents): Terminal => ({
  events,
  atHead: true,
  hasOlder: more,
  head: newestId(events),
});

/**
 * The newest page after missed events: appended where it meets the shown events. Where it does not, a reader further up
 * keeps the old ones.
 */
export function caughtUp(terminal: Terminal, page: AgentEvents, following: boolean): Terminal {
  const first = page.events[0]?.id;
  // Ids of another database start from 1 again.
  const same = newestId(page.events) >= terminal.head;
  if (terminal.events.length === 0 || !same || first === undefined) return newestPage(page);
  if (first <= terminal.head || !page.more) return withEvents(terminal, page.events);
  return following ? newestPage(page) : { ...terminal, atHead: false, head: newestId(page.events) };
}

/**
 * Puts an older page in front. Past the bound the newest events are dropped, and the terminal no longer reaches the
 * head.
 */
export function olderPage(terminal: Terminal, { events, more }: AgentEvents): Terminal {
  const oldest = terminal.events[0]?.id ?? Number.MAX_SAFE_INTEGER;
  const older = events.filter(({ id }) => id < oldest);
  return trimmed({ ...terminal, events: [...older, ...terminal.events], hasOlder: more }, false);
}

/** The new ones among events, each once, in order. */
export function freshIn({ head }: Terminal, events: readonly AgentEvent[]): readonly AgentEvent[] {
  const fresh: AgentEvent[] = [];
  for (const event of events) if (event.id > (fresh.at(-1)?.id ?? head)) fresh.push(event);
  return fresh;
}

/** Appends events. A known one changes nothing. */
export function withEvents(terminal: Terminal, events: readonly AgentEvent[]): Terminal {
  const fresh = freshIn(terminal, events);
  const head = newestId(fresh);
  if (head === 0) return terminal;
  return terminal.atHead ? { ...terminal, events: [...terminal.events, ...fresh], head } : { ...terminal, head };
}

/**
 * Keeps the terminal within its bounds: drops the oldest events while it follows, else the newest, so that nothing
 * moves.
 */
export function trimmed(terminal: Terminal, following: boolean): Terminal {
  const { events, atHead } = terminal;
  if (following && atHead)
    return events.length > KEPT_LIVE ? { ...terminal, events: events.slice(-KEPT_LIVE), hasOlder: true } : terminal;
  return events.length > KEPT ? { ...terminal, events: events.slice(0, KEPT), atHead: false } : terminal;
}

/** An entry of the terminal: an event, with the context from the events before it. */
export interface Entry {
  event: AgentEvent;
  /** Of a result: the tool that gave it, where its call is known. */
  tool: string | null;
  /** Of a result: its call is the entry right above. */
  beside: boolean;
}

/** The entries of events, and behind them the text that is being written. */
export function entriesOf(events: readonly AgentEvent[], writing: TextPart | null = null): Entry[] {
  const tools = new Map<unknown, string>();
  const entries = events.map((event, i) => {
    // `id` is the host's number of the event; the tool's id of the call is in `call`.
    const call = callId(event);
    if (event.kind === 'tool_call' && typeof event.tool === 'string') tools.set(call, event.tool);
    if (event.kind !== 'tool_result') return { event, tool: null, beside: false };
    const above = events[i - 1];
    return { event, tool: tools.get(call) ?? null, beside: above?.kind === 'tool_call' && callId(above) === call };
  });
  // The text being written has no id, since the host does not store it.
  if (writing !== null) entries.push({ event: { ...writing, id: 0, kind: 'text_part' }, tool: null, beside: false });
  return entries;
}

const callId = (event: AgentEvent): unknown => event.call;

/** The events of one turn, from its start to its end or to the next start; null where the start is not among them. */
export function turnIn(events: readonly AgentEvent[], turn: number): readonly AgentEvent[] | null {
  const start = events.findIndex((event) => event.kind === 'turn_started' && event.turn === turn);
  if (start < 0) return null;
  const rest = events.slice(start + 1);
  const end = rest.findIndex((event) => event.kind === 'turn_ended' && event.turn === turn);
  const next = rest.findIndex((event) => event.kind === 'turn_started');
  const length = end >= 0 && (next < 0 || end < next) ? end + 2 : next >= 0 ? next + 1 : rest.length + 1;
  return events.slice(start, start + length);
}
