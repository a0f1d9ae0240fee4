import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fakeCrypto } from '../test/fake-crypto';
import { FakeHost } from '../test/fake-host';
import { Comeback } from './comeback';

let host: FakeHost;
let comeback: Comeback;
let stored: string | null;
let known: number;

beforeEach(() => {
  vi.useFakeTimers();
  host = new FakeHost();
  fakeCrypto();
  [stored, known] = ['key', 0];
  vi.stubGlobal('localStorage', { getItem: () => stored });
  vi.stubGlobal('fetch', host.fetch);
  comeback = new Comeback(() => known++);
});

afterEach(() => {
  comeback.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const minute = () => vi.advanceTimersByTimeAsync(60_000);

test('an unknown key is retried until the host knows it again', async () => {
  host.keys.known.clear();
  comeback.start();
  await minute();
  host.stranger = true;
  await minute();
  host.stranger = false;
  host.status = 0;
  await minute();
  expect(known).toBe(0);
  host.status = 200;
  host.keys.known.add('key');
  await vi.advanceTimersByTimeAsync(5 * 60_000);
  expect(known).toBe(1);
});

test('a retry does not wait', async () => {
  comeback.start();
  comeback.hurry();
  await vi.advanceTimersByTimeAsync(0);
  expect(known).toBe(1);
});

test('without a key, or once stopped, there is no request', async () => {
  const asked = vi.spyOn(host.keys, 'prove');
  comeback.start();
  comeback.stop();
  await minute();
  stored = null;
  comeback.start();
  await minute();
  expect(asked).not.toHaveBeenCalled();
});
