import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeKeys, fakeCrypto } from '../test/fake-crypto';
import { answerOf, api, distrust, endSession, proofs } from './client';
import { redeem } from './login';
import { key, signedOut, signIn } from './session';

let late: AbortController;
let keys: FakeKeys;

beforeEach(() => {
  const stored = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: (name: string) => stored.get(name) ?? null,
    setItem: (name: string, value: string) => stored.set(name, value),
    removeItem: (name: string) => stored.delete(name),
    clear: () => stored.clear(),
  });
  late = new AbortController();
  keys = new FakeKeys();
  fakeCrypto();
  distrust();
  vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => late.signal);
  signIn('key');
});

afterEach(() => {
  // A sign-in of a test that failed ends.
  late.abort(new DOMException('late', 'TimeoutError'));
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** A host that knows the key, and its requests beside proofs, each with the unmasked key. */
function host(answer: () => Response = () => new Response('{}')): string[] {
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    if (path === '/api/session/proof') return keys.prove(String(init.body));
    asked.push(`${init.method ?? 'GET'} ${path} ${keys.keyIn(init)}`);
    return keys.keyIn(init) === null ? new Response('{}', { status: 401 }) : answer();
  });
  return asked;
}

const get = (signal: AbortSignal | null = null) => answerOf(api.GET('/api/state', { signal }));
const post = () => api.POST('/api/agents/update-all');

/** A host that takes the request and never answers. */
const mute = (_: unknown, init?: RequestInit) =>
  new Promise<Response>((_, reject) =>
    init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error)),
  );

test('a host that does not answer in time is unreachable', async () => {
  vi.stubGlobal('fetch', mute);
  const answer = expect(get(new AbortController().signal)).rejects.toMatchObject({
    status: 0,
    code: 'unreachable',
    message: 'the host did not answer within 30 s',
  });
  await vi.waitFor(() => expect(AbortSignal.timeout).toHaveBeenCalledWith(30_000));
  late.abort(new DOMException('late', 'TimeoutError'));
  await answer;
});

test('an aborted request is not a refusal', async () => {
  vi.stubGlobal('fetch', mute);
  const stop = new AbortController();
  const answer = expect(get(stop.signal)).rejects.toMatchObject({ name: 'AbortError' });
  stop.abort();
  await answer;
});

test('a request that was carried out counts, also when its answer breaks off', async () => {
  const broken = new ReadableStream({ start: (body) => body.error(new TypeError('network error')) });
  host(() => new Response(broken));
  await expect(post()).resolves.toMatchObject({ response: { ok: true } });
});

test('signing out ends the session at the host and forgets its key', async () => {
  const asked = host();
  await endSession();
  expect(asked).toEqual(['DELETE /api/session key']);
  expect(key()).toBeNull();
  expect(signedOut.value).toBe('');
});

test('signing out works without the host, and says that the session stays valid there', async () => {
  vi.stubGlobal('fetch', async () => {
    throw new TypeError('fetch failed');
  });
  await endSession();
  expect(key()).toBeNull();
  expect(signedOut.value).toContain('the host cannot be reached');
});

test('signing out leaves a newer key of another tab alone', async () => {
  host(() => {
    signIn('newer');
    return new Response('{}');
  });
  await endSession();
  expect(key()).toBe('newer');
  expect(signedOut.value).toBeNull();
});

test('signing in again hands in the key of the session before', async () => {
  keys.known.add('code');
  const asked = host(() => new Response('{"key":"next"}'));
  await redeem('code');
  expect(asked).toEqual(['POST /api/session key']);
  expect(key()).toBe('next');
});

test('requests wait for a sign-in under way and use its key', async () => {
  keys.known.add('code').add('next');
  const asked = host(() => new Response('{"key":"next"}'));
  await Promise.all([redeem('code'), get(), post()]);
  expect(asked).toEqual(['POST /api/session key', 'GET /api/state next', 'POST /api/agents/update-all next']);
});

test('requests go on with the former key after a sign-in that fails', async () => {
  const asked = host();
  const [failed] = await Promise.allSettled([redeem('unknown'), get()]);
  expect(failed.status).toBe('rejected');
  expect(asked).toEqual(['GET /api/state key']);
});

test('a request that is aborted does not wait for a sign-in', async () => {
  vi.stubGlobal('fetch', mute);
  const signingIn = redeem('code');
  const stop = new AbortController();
  const answer = expect(get(stop.signal)).rejects.toMatchObject({ name: 'AbortError' });
  stop.abort();
  await answer;
  late.abort(new DOMException('late', 'TimeoutError'));
  await expect(signingIn).rejects.toMatchObject({ code: 'unreachable' });
});

test('requests wait for each of two sign-ins', async () => {
  keys.known.add('one').add('two');
  const answers: ((response: Response) => void)[] = [];
  const asked = host(() => new Response('{}'));
  const known = globalThis.fetch;
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    if (path !== '/api/session') return known(path, init);
    return await new Promise<Response>((answer) => answers.push(answer));
  });
  const signingIn = [redeem('one'), redeem('two')];
  const request = get();
  await vi.waitFor(() => expect(answers).toHaveLength(2));
  keys.known.add('first').add('second');
  answers[1]?.(new Response('{"key":"second"}'));
  await signingIn[1];
  expect(asked).toEqual([]);
  answers[0]?.(new Response('{"key":"first"}'));
  await request;
  expect(asked).toEqual(['GET /api/state first']);
});

test('signing out during a sign-in ends the session that it opens', async () => {
  keys.known.add('code').add('next');
  const asked = host(() => new Response('{"key":"next"}'));
  await Promise.all([redeem('code'), endSession()]);
  expect(asked).toEqual(['POST /api/session key', 'DELETE /api/session next']);
  expect(key()).toBeNull();
});

test('a request whose session a sign-in has ended is sent again under the new key', async () => {
  keys.known.add('code').add('next');
  const asked = host(() => new Response('{"key":"next"}'));
  const known = globalThis.fetch;
  let refuse: ((response: Response) => void) | null = null;
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    if (path === '/api/state' && refuse === null)
      return await new Promise<Response>((answer) => {
        refuse = answer;
      });
    const answer = await known(path, init);
    if (path === '/api/session') {
      keys.known.delete('key');
      refuse?.(new Response('{}', { status: 401 }));
    }
    return answer;
  });
  const request = get();
  await vi.waitFor(() => expect(refuse).not.toBeNull());
  await Promise.all([redeem('code'), request]);
  expect(signedOut.value).toBeNull();
  expect(asked).toEqual(['POST /api/session key', 'GET /api/state next']);
});

test('requests that begin together wait for one proof', async () => {
  const asked = host();
  const prove = vi.spyOn(keys, 'prove');
  await Promise.all([get(), post(), api.GET('/api/stats')]);
  expect(asked).toHaveLength(3);
  expect(asked.every((request) => request.endsWith(' key'))).toBe(true);
  expect(prove).toHaveBeenCalledTimes(1);
});

test('a lost stream and an unreachable host lead to a new proof', async () => {
  host();
  const prove = vi.spyOn(keys, 'prove');
  await get();
  distrust();
  await get();
  expect(prove).toHaveBeenCalledTimes(2);
  vi.stubGlobal('fetch', async () => {
    throw new TypeError('fetch failed');
  });
  await expect(get()).rejects.toMatchObject({ code: 'unreachable' });
  host();
  await get();
  expect(prove).toHaveBeenCalledTimes(3);
});

test('a restarted host gets the key under the mask of its run', async () => {
  const asked = host();
  await get();
  keys.run = 'run-2';
  await post();
  expect(asked).toEqual(['GET /api/state key', 'POST /api/agents/update-all null', 'POST /api/agents/update-all key']);
  expect(signedOut.value).toBeNull();
});

test('a host that was busy during a proof is asked for it again', async () => {
  vi.stubGlobal('fetch', async () => new Response('{}', { status: 503 }));
  await expect(get()).rejects.toMatchObject({ status: 503 });
  host();
  expect(await get()).toEqual({});
});

test('a host that was busy with a request is asked for a new proof', async () => {
  host(() => new Response('{}', { status: 503 }));
  const prove = vi.spyOn(keys, 'prove');
  await expect(get()).rejects.toMatchObject({ status: 503 });
  await expect(get()).rejects.toMatchObject({ status: 503 });
  expect(prove).toHaveBeenCalledTimes(2);
});

test('each proof is counted, and nothing else', async () => {
  const before = proofs.value;
  vi.stubGlobal('fetch', async () => new Response('hello'));
  await expect(get()).rejects.toMatchObject({ code: 'stranger' });
  expect(proofs.value).toBe(before);
  host();
  await get();
  await get();
  expect(proofs.value).toBe(before + 1);
});

test.each([
  ['nothing that is a proof', () => new Response('hello')],
  ['a proof without the key', () => new Response('{"known":true,"run":"r","proof":"AAAA"}')],
  ['a refusal in words of its own', () => new Response('{"detail":"paste your access token"}', { status: 401 })],
  ['a route that is missing', () => new Response('{}', { status: 404 })],
])('another program that answers with %s gets nothing', async (_, answer) => {
  const asked: unknown[] = [];
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    asked.push(path, new Headers(init.headers).get('Authorization'));
    return answer();
  });
  await expect(get()).rejects.toMatchObject({
    code: 'stranger',
    message: expect.stringContaining('Another program answers'),
  });
  expect(asked).toEqual(['/api/session/proof', null]);
  expect(key()).toBe('key');
  expect(signedOut.value).toBeNull();
});

test('an unknown session asks to sign in, and its key stays until replaced', async () => {
  host();
  keys.known.clear();
  await expect(get()).rejects.toMatchObject({ code: 'unknown_key' });
  expect(signedOut.value).toContain('does not know this session');
  expect(signedOut.value).toContain('Do not reload');
  expect(key()).toBe('key');
});

test('without cryptography nothing is sent, and the error gives the way out', async () => {
  const asked: unknown[] = [];
  vi.stubGlobal('fetch', async (path: string) => asked.push(path));
  vi.stubGlobal('crypto', {});
  await expect(get()).rejects.toMatchObject({ code: 'not_secure', message: expect.stringContaining('ssh -L') });
  expect(asked).toEqual([]);
});
