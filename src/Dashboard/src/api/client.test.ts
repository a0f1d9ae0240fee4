import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { endSession, get } from './client';
import { key, signedOut, signIn } from './session';

let late: AbortController;

beforeEach(() => {
  const stored = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: (name: string) => stored.get(name) ?? null,
    setItem: (name: string, value: string) => stored.set(name, value),
    removeItem: (name: string) => stored.delete(name),
  });
  late = new AbortController();
  vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => late.signal);
  signIn('key');
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** A host that takes the request and never answers. */
const mute = (_: unknown, init?: RequestInit) =>
  new Promise<Response>((_, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error)));

test('a host that does not answer in time is unreachable', async () => {
  vi.stubGlobal('fetch', mute);
  const answer = expect(get('/api/state', new AbortController().signal)).rejects.toMatchObject({ status: 0, code: 'unreachable', message: 'the host did not answer within 30 s' });
  expect(AbortSignal.timeout).toHaveBeenCalledWith(30_000);
  late.abort(new DOMException('late', 'TimeoutError'));
  await answer;
});

test('a request that nobody waits for any more is no refusal', async () => {
  vi.stubGlobal('fetch', mute);
  const stop = new AbortController();
  const answer = expect(get('/api/state', stop.signal)).rejects.toMatchObject({ name: 'AbortError' });
  stop.abort();
  await answer;
});

test('signing out ends the session at the host and forgets its key', async () => {
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    asked.push(`${init.method} ${path} ${new Headers(init.headers).get('Authorization')}`);
    return new Response('{}');
  });
  await endSession();
  expect(asked).toEqual(['DELETE /api/session Bearer key']);
  expect(key()).toBeNull();
  expect(signedOut.value).toBe('');
});

test('signing out works without the host, and says that the session goes on there', async () => {
  vi.stubGlobal('fetch', async () => {
    throw new TypeError('fetch failed');
  });
  await endSession();
  expect(key()).toBeNull();
  expect(signedOut.value).toContain('the host cannot be reached');
});

test('signing out leaves a newer key of another tab alone', async () => {
  vi.stubGlobal('fetch', async () => {
    signIn('newer');
    return new Response('{}');
  });
  await endSession();
  expect(key()).toBe('newer');
  expect(signedOut.value).toBeNull();
});
