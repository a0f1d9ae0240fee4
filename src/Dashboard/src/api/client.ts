import { signal } from '@preact/signals';
import createClient from 'openapi-fetch';
import type { paths } from '../generated/api';
import { proven } from './proof';
import { Refusal, words } from './refusal';
import { request } from './request';
import { isSigningIn, key, leave, signOut, waitForSignIn } from './session';

/** The masked key, valid since the host's last proof. */
let held: { key: string; masked: Promise<string>; proven: boolean } | null = null;

/** How often the host has proved to this page that it knows its key. */
export const proofs = signal(0);

/** Asks for a new proof before the next request: another program may listen at the host's address by now. */
export function distrust(): void {
  held = null;
}

/** Whether the next request needs no proof before it. */
export const isProven = (): boolean => held?.proven === true && held.key === key() && !isSigningIn();

/** Has the host prove itself, so that the next request needs no proof before it. */
export function prepare(): void {
  const used = key();
  // A host that is away shows in the connection's state.
  if (used !== null) void maskOf(used, null).catch(() => {});
}

let outlives = false;

/** Requests from now on arrive although the page goes away. */
export function outliveThePage(): void {
  outlives = true;
}

/** A request that knows its body: reading it back would take longer than a page that goes away has. */
class Asked extends Request {
  readonly sent: string;

  constructor(input: RequestInfo | URL, init?: RequestInit) {
    super(input, init);
    this.sent = typeof init?.body === 'string' ? init.body : '';
  }
}

/** The headers of a request whose answer is needed although it is not a GET: doing it twice is the same as once. */
export const WITH_ANSWER = { Accept: 'application/json' } as const;

/** Every route of the host's document, with the types of its parameters, its body and its answer. */
export const api = createClient<paths>({ baseUrl: location.origin, fetch: send, Request: Asked });

/** The answer to a GET, or to a request with WITH_ANSWER; a refusal is thrown. */
export async function answerOf<T>(asked: Promise<{ data?: T }>): Promise<T> {
  // The document gives every route an answer, and refusals have been thrown.
  return (await asked).data as T;
}

async function send(asked: Request): Promise<Response> {
  const { pathname, search } = new URL(asked.url);
  const body = asked instanceof Asked ? asked.sent : '';
  const response = await signed(pathname + search, {
    method: asked.method,
    headers: asked.headers,
    signal: asked.signal,
    ...(body === '' ? {} : { body }),
    ...(outlives ? { keepalive: true } : {}),
  });
  if (asked.method === 'GET' || asked.headers.get('Accept') === WITH_ANSWER.Accept) return response;
  // The status says that the host has carried it out. An answer that breaks off after it must not look like a failure,
  // which the operator would repeat.
  response.body?.cancel().catch(() => {});
  return new Response(null, { status: 204 });
}

async function signed(path: string, init: RequestInit, again = false): Promise<Response> {
  await unlessAborted(init.signal, waitForSignIn());
  const used = key();
  try {
    if (used === null) throw new Refusal('sign in first', 401, 'forbidden');
    const headers = new Headers(init.headers);
    headers.set('Authorization', `Bearer ${await maskOf(used, init.signal)}`);
    return await request(path, { ...init, headers });
  } catch (e) {
    if (!(e instanceof Refusal)) throw e;
    // No answer, a host that is not ready, or one that does not know the key: the next request begins with a new proof.
    if (e.passing || e.status === 401) distrust();
    if (e.status !== 401) throw e;
    // A host that was started again in between takes no mask of the run before, and a sign-in in between has ended the
    // session.
    await unlessAborted(init.signal, waitForSignIn());
    if (used !== null && !again && (e.code !== 'unknown_key' || key() !== used)) return await signed(path, init, true);
    signOut(used);
    throw e;
  }
}

async function maskOf(used: string, signal: AbortSignal | null | undefined): Promise<string> {
  // Concurrent requests share one proof.
  if (held?.key !== used) {
    const begun = { key: used, masked: proven(used), proven: false };
    held = begun;
    begun.masked.then(
      () => {
        begun.proven = true;
        proofs.value++;
      },
      () => {
        if (held === begun) held = null;
      },
    );
  }
  return await unlessAborted(signal, held.masked);
}

/** Waits for what requests share: a request that is aborted stops waiting and leaves it alone. */
async function unlessAborted<T>(signal: AbortSignal | null | undefined, shared: Promise<T>): Promise<T> {
  if (signal == null) return await shared;
  signal.throwIfAborted();
  return await new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop);
    shared.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** Ends the session at the host and forgets its key here, also when the host cannot be reached. */
export async function endSession(): Promise<void> {
  await waitForSignIn();
  const used = key();
  let why = '';
  try {
    await api.DELETE('/api/session');
  } catch (e) {
    // A key that the host does not know needs no ending.
    if (!(e instanceof Refusal && e.status === 401))
      why = `Signed out in this browser only: the session stays valid at the host until it expires (${words(e)}).`;
  }
  leave(used, why);
}
