import { Refusal, refusalOf, words } from './refusal';
import { key, leave, signOut } from './session';

/** A host that has not answered in full by then is taken for unreachable. */
const ANSWER_MS = 30_000;

/** One request without a key, for signing in. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const late = AbortSignal.timeout(ANSWER_MS);
  const signal = init.signal == null ? late : AbortSignal.any([init.signal, late]);
  let response: Response;
  try {
    response = await fetch(path, { ...init, signal, cache: 'no-store', credentials: 'omit' });
  } catch (e) {
    if (init.signal?.aborted === true) throw e;
    throw new Refusal(late.aborted ? `the host did not answer within ${ANSWER_MS / 1000} s` : 'the host cannot be reached', 0, 'unreachable');
  }
  if (!response.ok) throw await refusalOf(response);
  return response;
}

async function signed(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  const used = key();
  headers.set('Authorization', `Bearer ${used ?? ''}`);
  try {
    return await request(path, { ...init, headers });
  } catch (e) {
    if (e instanceof Refusal && e.status === 401) signOut(used);
    throw e;
  }
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await signed(path, signal === undefined ? {} : { signal });
  return (await response.json()) as T;
}

/** A POST answers 200 or 202 and nothing to read: what it changed arrives over the stream. */
export async function post(path: string, body: object = {}): Promise<void> {
  await signed(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
}

/** Ends the session at the host and forgets its key here, the latter also when the host cannot be told. */
export async function endSession(): Promise<void> {
  const used = key();
  let why = '';
  try {
    await signed('/api/session', { method: 'DELETE' });
  } catch (e) {
    // A key that the host does not know needs no ending.
    if (!(e instanceof Refusal && e.status === 401)) why = `Signed out in this browser alone: the session goes on at the host until it expires (${words(e)}).`;
  }
  leave(used, why);
}
