import { proven } from './proof';
import { Refusal, words } from './refusal';
import { json, request } from './request';
import { key, signInBy } from './session';
import type { SessionKey } from './types';

const STRANGER_AT_LOGIN =
  'Another program answers at this address. Nothing was sent to it. Do not reload: a reload would load its page. ' +
  'Enter a login link here once your Hive answers again; `hive open` gives a fresh one.';

/** Turns the code of a login link, or the access token, into a session's key, once the host has proved to know it. */
export const redeem = (code: string): Promise<void> => signInBy(keyFor(code));

async function keyFor(code: string): Promise<string> {
  let masked: string;
  try {
    masked = await proven(code);
  } catch (e) {
    if (!(e instanceof Refusal)) throw e;
    if (e.code === 'stranger') throw new Refusal(STRANGER_AT_LOGIN, e.status, e.code);
    if (e.code !== 'unknown_key') throw e;
    throw new Refusal(
      'The host does not know this code: the login link was used or is older than ten minutes; ' +
        '`hive open` gives a fresh one.',
      403,
      'forbidden',
    );
  }
  const init = json({ code: masked });
  // The session that this browser had until now ends with it.
  const former = key();
  const known = former === null ? null : await proven(former).catch(() => null);
  if (known !== null) init.headers = { ...init.headers, Authorization: `Bearer ${known}` };
  const response = await request('/api/session', init);
  return ((await response.json()) as SessionKey).key;
}

/** The reason why a login link failed, and whether its code stays in the address for a reload. */
export function linkFailed(e: unknown): { why: string; keepsCode: boolean } {
  const code = e instanceof Refusal ? e.code : '';
  const said = words(e).replace(/\.?$/, '.');
  switch (code) {
    case 'stranger':
    case 'not_secure':
      return { why: said, keepsCode: false };
    case 'unreachable':
      return { why: `The login link could not be tried: ${said} Reload the page to try again.`, keepsCode: true };
    case 'unavailable':
      return {
        why: `The login link could not be tried: ${said} Enter it here to try again; \`hive open\` gives a fresh one.`,
        keepsCode: false,
      };
    default:
      return { why: `The login link was refused: ${said}`, keepsCode: false };
  }
}
