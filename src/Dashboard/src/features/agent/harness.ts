import type { Harness } from '../../api/types';
import { tokensText } from '../../ui/text/figures';
import { visible } from '../../ui/text/visible';

export interface StateWords {
  glyph: string;
  words: string;
  tone: 'good' | 'info' | 'warn' | 'bad' | 'orange' | 'dim';
  /** The harness is working: the badge moves. */
  busy: boolean;
}

const OFFLINE: StateWords = { glyph: '○', words: 'offline', tone: 'dim', busy: false };

const STATES: Record<string, StateWords> = {
  idle: { glyph: '●', words: 'idle', tone: 'good', busy: false },
  thinking: { glyph: '◉', words: 'thinking', tone: 'info', busy: true },
  compacting: { glyph: '⇣', words: 'compacting', tone: 'info', busy: true },
  needs_login: { glyph: '⚠', words: 'waiting for login', tone: 'warn', busy: false },
  logging_in: { glyph: '⚠', words: 'logging in', tone: 'warn', busy: true },
  not_ready: { glyph: '⚠', words: 'not ready', tone: 'bad', busy: false },
  rate_limited: { glyph: '◷', words: 'rate limited', tone: 'orange', busy: false },
};

/** The words for an agent's state; an unknown state is shown as it is. */
export const stateWords = ({ state, connected }: Pick<Harness, 'state' | 'connected'>): StateWords =>
  connected ? (STATES[state] ?? { glyph: '●', words: state, tone: 'dim', busy: false }) : OFFLINE;

/** The size of the context and its share of the limit; null while unknown. */
export function contextOf({
  context_tokens: tokens,
  context_limit: limit,
}: Pick<Harness, 'context_tokens' | 'context_limit'>): {
  text: string;
  plain: string;
  tone: 'dim' | 'warn' | 'bad';
} | null {
  if (tokens == null) return null;
  if (limit == null || limit <= 0)
    return { text: tokensText(tokens), plain: `${tokens} tokens in the context`, tone: 'dim' };
  const share = tokens / limit;
  return {
    text: `${tokensText(tokens)} · ${Math.round(share * 100)}%`,
    plain: `${tokens} tokens in the context, ${Math.round(share * 100)} % of ${limit}`,
    tone: share >= 0.95 ? 'bad' : share >= 0.8 ? 'warn' : 'dim',
  };
}

/** An address in parts; the host is separate, since it says where the address leads. */
export interface Address {
  before: string;
  host: string;
  after: string;
  /** The reason why it is not a link; null for a link. */
  fault: string | null;
}

/** The login's address as a browser reads it; a link only with https and without user information. */
export function addressOf(url: string): Address {
  try {
    const { protocol, username, password, host, href } = new URL(url);
    if (host !== '') {
      const hides = username !== '' || password !== '';
      // The part before the host contains no other @: it would be written as %40.
      const at = hides ? href.indexOf('@') + 1 : href.indexOf('//') + 2;
      const fault =
        protocol !== 'https:'
          ? 'not an https address, so it is not a link'
          : hides
            ? 'the part before the @ hides the host, so it is not a link'
            : null;
      return { before: href.slice(0, at), host, after: href.slice(at + host.length), fault };
    }
  } catch {
    // Shown as it is.
  }
  return { before: visible(url), host: '', after: '', fault: 'not an https address, so it is not a link' };
}
