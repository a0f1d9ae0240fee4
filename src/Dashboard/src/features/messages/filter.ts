import type { Message } from '../../api/types';

export const KINDS = ['agents', 'operator', 'system', 'reminders'] as const;
export const STATES = ['unread', 'parked'] as const;
/** Times that are counted back from now. */
export const RECENT = ['1h', 'today', '7d'] as const;

/** Which messages are listed; the address has it. */
export interface Filter {
  /** Words of the body. */
  q?: string;
  /** From or to this principal. */
  agent?: string;
  /** Between this principal and <agent>. */
  with?: string;
  kind?: (typeof KINDS)[number];
  state?: (typeof STATES)[number];
  /** To this principal alone: the operator's inbox. */
  to?: string;
  /** Sent at this instant or later, or one of the times that are counted back from now. */
  since?: string;
  /** Sent before this instant. */
  until?: string;
}

/** An instant of the address in the host's form; undefined for anything else. */
const instant = (text: string | undefined): string | undefined => {
  // A date without an offset would be read in the zone of this browser; a link means the same everywhere.
  if (text === undefined || !/^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const at = new Date(text);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
};

/** The instant at which the time of a filter begins. */
export function instantOf(since: string, now: Date): string {
  if (since === '1h') return new Date(now.getTime() - 3_600_000).toISOString();
  if (since === 'today') return new Date(now.getFullYear(), now.getMonth(), now.getDate()).toISOString();
  if (since === '7d') return new Date(now.getTime() - 7 * 86_400_000).toISOString();
  return since;
}

const oneOf = <T extends string>(all: readonly T[], text: string | null): T | undefined =>
  all.find((one) => one === text);

/** The filter of an address; what is not a filter is left out. */
export function filterOf(query: URLSearchParams): Filter {
  const text = (name: string): string | undefined => query.get(name)?.trim() || undefined;
  const [q, agent, other, to] = [text('q'), text('agent'), text('with'), text('to')];
  const kind = oneOf(KINDS, query.get('kind'));
  const state = oneOf(STATES, query.get('state'));
  const since = oneOf(RECENT, query.get('since')) ?? instant(text('since'));
  const until = instant(text('until'));
  return {
    ...(q === undefined ? {} : { q }),
    ...(agent === undefined ? {} : { agent }),
    // Two are needed to be between them.
    ...(other === undefined || agent === undefined ? {} : { with: other }),
    ...(kind === undefined ? {} : { kind }),
    ...(state === undefined ? {} : { state }),
    ...(to === undefined ? {} : { to }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  };
}

export const isEmpty = (filter: Filter): boolean => Object.keys(filter).length === 0;

/** The host's part of the filter; the page itself leaves out messages that are not <to> somebody. */
export function askedFor({ to, since, ...others }: Filter, now = new Date()): Omit<Filter, 'to'> {
  const rest = { ...others, ...(since === undefined ? {} : { since: instantOf(since, now) }) };
  return to === undefined || rest.agent !== undefined ? rest : { ...rest, agent: to };
}

const kindOf = ({ from, to }: Message): Filter['kind'] => {
  if (from === 'system') return 'system';
  if (from === 'reminder') return 'reminders';
  return from === 'operator' || to === 'operator' ? 'operator' : 'agents';
};

const stateOf = ({ acked_at, parked_at, delivered_at }: Message): Filter['state'] => {
  if (acked_at != null) return undefined;
  if (parked_at != null) return 'parked';
  return delivered_at == null ? 'unread' : undefined;
};

/** Whether a message that an event brings belongs to the list. */
export function matches(filter: Filter, message: Message, now = new Date()): boolean {
  const { from, to, body } = message;
  const { q, agent, with: other, since, until } = filter;
  const sent = Date.parse(message.sent_at);
  if (since !== undefined && sent < Date.parse(instantOf(since, now))) return false;
  if (until !== undefined && sent >= Date.parse(until)) return false;
  if (filter.to !== undefined && to !== filter.to) return false;
  if (agent !== undefined && from !== agent && to !== agent) return false;
  if (other !== undefined && from !== other && to !== other) return false;
  if (filter.kind !== undefined && kindOf(message) !== filter.kind) return false;
  if (filter.state !== undefined && stateOf(message) !== filter.state) return false;
  return q === undefined || hasWords(body, q);
}

const isLetter = (character: string | undefined): boolean => character !== undefined && /[\p{L}\p{N}]/u.test(character);

/** The host's rule: a body matches when it has each of the words, where a word of the body begins. */
function hasWords(body: string, words: string): boolean {
  const text = body.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
    .every((word) => {
      const anywhere = !isLetter([...word][0]);
      for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1))
        if (anywhere || !isLetter(/.$/su.exec(text.slice(Math.max(0, at - 2), at))?.[0])) return true;
      return false;
    });
}
