import type { Harness } from '../../api/types';
import { tokensText } from '../../ui/text/figures';
import { visible } from '../../ui/text/visible';

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
