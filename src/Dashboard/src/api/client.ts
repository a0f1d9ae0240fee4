import { Refusal, refusalOf } from './refusal';
import { key, signOut } from './session';

/** One request without a key, for signing in. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, cache: 'no-store', credentials: 'omit' });
  } catch (e) {
    if (init.signal?.aborted === true) throw e;
    throw new Refusal('the host cannot be reached', 0, 'unreachable');
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
