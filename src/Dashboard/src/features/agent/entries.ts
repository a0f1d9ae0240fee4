import type { TextPart } from '../../api/types';
import type { AgentEvent, AgentEvents } from './events';

/** What an agent has done, as far as the page holds it. */
export interface Terminal {
  /** Oldest first, by id. */
  events: readonly AgentEvent[];
  /** Nothing newer exists than the last one; false after so much was paged back that the newest were let go. */
  atHead: boolean;
  hasOlder: boolean;
  /** The newest that the page was told of, shown or not. */
  head: number;
}

/** The host answers with this many per page. */
export const PAGE = 200;
/** Kept while the newest is followed; older ones come back from the host when scrolled to. */
export const KEPT_LIVE = 1000;
/** Kept at most. */
export const KEPT = 2000;

export const emptyTerminal: Terminal = { events: [], atHead: true, hasOlder: false, head: 0 };

const newestId = (events: readonly AgentEvent[]): number => events.at(-1)?.id ?? 0;

/** The newest page, in place of what was shown. */
export const newestPage = ({ events, more }: AgentEvents): Terminal => ({
  events,
  atHead: true,
  hasOlder: more,
  head: newestId(events),
});

/** The newest page after events were missed: laid behind what is shown where the two meet. Where they do not, whoever reads further up keeps what they read. */
export function caughtUp(terminal: Terminal, page: AgentEvents, following: boolean): Terminal {
  const first = page.events[0]?.id;
  // Ids of another database begin anew.
  const same = newestId(page.events) >= terminal.head;
  if (terminal.events.length === 0 || !same || first === undefined) return newestPage(page);
  if (first <= terminal.head || !page.more) return withEvents(terminal, page.events);
  return following ? newestPage(page) : { ...terminal, atHead: false, head: newestId(page.events) };
}

/** An older page in front. Past the bound the newest go, and the terminal no longer reaches the head. */
export function olderPage(terminal: Terminal, { events, more }: AgentEvents): Terminal {
  const oldest = terminal.events[0]?.id ?? Number.MAX_SAFE_INTEGER;
  const older = events.filter(({ id }) => id < oldest);
  return trimmed({ ...terminal, events: [...older, ...terminal.events], hasOlder: more }, false);
}

/** Of what was told, what is new: each event once, in order. */
export function freshIn({ head }: Terminal, events: readonly AgentEvent[]): readonly AgentEvent[] {
  const fresh: AgentEvent[] = [];
  for (const event of events) if (event.id > (fresh.at(-1)?.id ?? head)) fresh.push(event);
  return fresh;
}

/** What has come since. One that was told before changes nothing. */
export function withEvents(terminal: Terminal, events: readonly AgentEvent[]): Terminal {
  const fresh = freshIn(terminal, events);
  const head = newestId(fresh);
  if (head === 0) return terminal;
  return terminal.atHead ? { ...terminal, events: [...terminal.events, ...fresh], head } : { ...terminal, head };
}

/** Keeps the terminal within its bounds: the oldest go while it follows the newest, else, so that nothing moves, the newest go. */
export function trimmed(terminal: Terminal, following: boolean): Terminal {
  const { events, atHead } = terminal;
  if (following && atHead)
    return events.length > KEPT_LIVE ? { ...terminal, events: events.slice(-KEPT_LIVE), hasOlder: true } : terminal;
  return events.length > KEPT ? { ...terminal, events: events.slice(0, KEPT), atHead: false } : terminal;
}

/** An entry of the terminal: an event, and what of those before it one must know to show it. */
export interface Entry {
  event: AgentEvent;
  /** Of a result: the tool that gave it, where its call is known. */
  tool: string | null;
  /** Of a result: its call stands right above it. */
  beside: boolean;
}

/** The entries of events, and behind them the text that is being written. */
export function entriesOf(events: readonly AgentEvent[], writing: TextPart | null = null): Entry[] {
  const tools = new Map<unknown, string>();
  const entries = events.map((event, i) => {
    // The host gives every event a number of its own; the one that the tool gives a call stands in `call`.
    const call = callId(event);
    if (event.kind === 'tool_call' && typeof event.tool === 'string') tools.set(call, event.tool);
    if (event.kind !== 'tool_result') return { event, tool: null, beside: false };
    const above = events[i - 1];
    return { event, tool: tools.get(call) ?? null, beside: above?.kind === 'tool_call' && callId(above) === call };
  });
  // It has no number, since the host does not keep it.
  if (writing !== null) entries.push({ event: { ...writing, id: 0, kind: 'text_part' }, tool: null, beside: false });
  return entries;
}

const callId = (event: AgentEvent): unknown => event.call;
