import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fakeCrypto } from '../test/fake-crypto';
import { FakeHost } from '../test/fake-host';
import { type Connection, Feed, SILENCE_MS } from './feed';

let host: FakeHost;
let feed: Feed;
let said: Connection[];
let events: string[];
let resyncs: string[];

beforeEach(() => {
  vi.useFakeTimers();
  host = new FakeHost();
  fakeCrypto();
  vi.stubGlobal('fetch', host.fetch);
  [said, events, resyncs] = [[], [], []];
  feed = new Feed({
    connection: (c) => said.push(c),
    ready: () => {},
    events: (batch) => events.push(...batch.map((e) => e.id)),
    resync: (cursor) => resyncs.push(cursor),
    ping: () => {},
  });
});

afterEach(() => {
  feed.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const settle = () => vi.advanceTimersByTimeAsync(0);
const state = () => said.at(-1)?.state;

test('is live when the host says ready, and not before', async () => {
  feed.start('key', 'a-0');
  expect(state()).toBe('connecting');
  await settle();
  expect(state()).toBe('live');
});

test('resumes from the last event, and reports since when and the next try', async () => {
  feed.start('key', 'a-0');
  await settle();
  host.emit();
  host.emit();
  await settle();
  host.drop();
  await settle();
  expect(said.at(-1)).toMatchObject({ state: 'reconnecting', reason: 'the connection broke off', since: Date.now() });
  host.emit();
  await vi.advanceTimersByTimeAsync(1000);
  expect(state()).toBe('live');
  expect(host.opened).toEqual(['a-0', 'a-2']);
  expect(events).toEqual(['a-1', 'a-2', 'a-3']);
});

test('reports the first failure’s time, and waits longer each time up to 15 s', async () => {
  feed.start('key', 'a-0');
  await settle();
  host.status = 0;
  host.drop();
  await settle();
  const since = Date.now();
  await vi.advanceTimersByTimeAsync(120_000);
  // Each wait is followed by its try.
  const broken = said.filter((c) => c.state === 'reconnecting');
  expect(broken.length).toBeGreaterThan(16);
  expect(broken.length).toBeLessThan(50);
  expect(broken.every((c) => c.state === 'reconnecting' && c.since === since)).toBe(true);
  host.status = 200;
  await vi.advanceTimersByTimeAsync(15_000);
  expect(state()).toBe('live');
});

test('takes two missed pings for a dead stream, within ten seconds', async () => {
  expect(SILENCE_MS).toBeLessThanOrEqual(10_000);
  feed.start('key', 'a-0');
  await settle();
  for (let i = 0; i < 5; i++) {
    await vi.advanceTimersByTimeAsync(4_000);
    host.ping();
    await settle();
  }
  expect(said.map((c) => c.state)).toEqual(['connecting', 'live']);
  await vi.advanceTimersByTimeAsync(SILENCE_MS);
  expect(said.at(-1)).toMatchObject({
    state: 'reconnecting',
    reason: 'nothing was heard from the host for 10 seconds',
  });
  expect(host.connections).toBe(0);
});

test('asks the host again at once when the browser says that it is offline', async () => {
  const listeners = new Map<string, () => void>();
  vi.stubGlobal('addEventListener', (name: string, run: () => void) => listeners.set(name, run));
  vi.stubGlobal('removeEventListener', (name: string) => listeners.delete(name));
  feed.start('key', 'a-0');
  await settle();
  // A host on this machine is still there.
  listeners.get('offline')?.();
  await settle();
  expect([state(), host.opened.length, host.connections]).toEqual(['live', 2, 1]);
  host.status = 0;
  listeners.get('offline')?.();
  await settle();
  expect(state()).toBe('reconnecting');
  feed.stop();
  expect(listeners.size).toBe(0);
});

test('after a restart of the host resyncs and continues from there', async () => {
  feed.start('key', 'a-0');
  await settle();
  host.restart();
  host.emit();
  await vi.advanceTimersByTimeAsync(1000);
  expect(resyncs).toEqual(['ax-1']);
  host.emit();
  await settle();
  host.drop();
  await vi.advanceTimersByTimeAsync(2000);
  expect(host.opened.at(-1)).toBe('ax-2');
  expect(resyncs).toHaveLength(1);
});

test('ready does not move the cursor past events that have not come yet', async () => {
  host.seq = 5;
  feed.start('key', 'a-3');
  await settle();
  host.drop();
  await vi.advanceTimersByTimeAsync(1000);
  expect(host.opened).toEqual(['a-3', 'a-3']);
});

test('signed out and refused are final, until a retry', async () => {
  feed.start('wrong', 'a-0');
  await settle();
  expect(state()).toBe('signed_out');
  host.status = 403;
  feed.start('key', 'a-0');
  await settle();
  expect(said.at(-1)).toEqual({ state: 'cannot', reason: 'status 403' });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(state()).toBe('cannot');
  host.status = 200;
  feed.retryNow();
  await settle();
  expect(state()).toBe('live');
});

test('another program gets no key, and the stream resumes with the host', async () => {
  feed.start('key', 'a-0');
  await settle();
  host.stranger = true;
  host.drop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(state()).toBe('stranger');
  expect(host.stolen.length).toBeGreaterThan(2);
  for (const sent of host.stolen) {
    expect(sent.toLowerCase()).not.toContain('authorization');
    expect(sent).toContain('/api/session/proof');
  }
  host.stranger = false;
  host.restart();
  await vi.advanceTimersByTimeAsync(15_000);
  expect(state()).toBe('live');
});

test('a key that expires while the stream opens is proved once more, then signed out', async () => {
  const { keyIn } = host.keys;
  host.keys.keyIn = () => {
    host.keys.known.clear();
    return null;
  };
  feed.start('key', 'a-0');
  await settle();
  expect(state()).toBe('reconnecting');
  host.keys.keyIn = keyIn;
  await vi.advanceTimersByTimeAsync(1000);
  expect(state()).toBe('signed_out');
});

test('a busy host is retried', async () => {
  host.status = 503;
  feed.start('key', 'a-0');
  await settle();
  expect(said.at(-1)).toMatchObject({ state: 'reconnecting', reason: 'status 503' });
  host.status = 200;
  feed.retryNow();
  await settle();
  expect(state()).toBe('live');
});

test('stop ends the connection and reports nothing more', async () => {
  feed.start('key', 'a-0');
  await settle();
  const before = said.length;
  feed.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(host.connections).toBe(0);
  expect(said).toHaveLength(before);
});

/** A stream of these bytes, each piece in a chunk of its own, behind a host that proves itself. */
function streamOf(pieces: Iterable<Uint8Array>): void {
  vi.stubGlobal('fetch', async (path: string, init?: RequestInit) => {
    if (path === '/api/session/proof') return host.fetch(path, init);
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        for (const piece of pieces) controller.enqueue(piece);
      },
    });
    return new Response(body);
  });
}

test('reads events however the stream is cut, with any line end', async () => {
  const text =
    'event: ready\r\nid: a-0\r\ndata: {"cursor":"a-0","hive_version":"1"}\r\n\r\n: a comment\n\n' +
    'id: a-1\ndata: one\ndata:two\n\nevent: ping\ndata: {}\n\n' +
    'retry: 5\rid: a-2\rdata: äöü🐝\r\rid: a-3\ndata: unfinished';
  const data: string[] = [];
  let pings = 0;
  feed = new Feed({
    connection: (c) => said.push(c),
    ready: () => {},
    events: (batch) => data.push(...batch.map((e) => `${e.id} ${e.data}`)),
    resync: () => {},
    ping: () => pings++,
  });
  streamOf([...new TextEncoder().encode(text)].map((byte) => Uint8Array.of(byte)));
  feed.start('key', 'a-0');
  await vi.advanceTimersByTimeAsync(100);
  expect(said.at(-1)?.state).toBe('live');
  expect(data).toEqual(['a-1 one\ntwo', 'a-2 äöü🐝']);
  expect(pings).toBe(1);
});

test('an event of more than 16 MiB breaks the connection off', async () => {
  const piece = new Uint8Array(1 << 20).fill(120);
  streamOf(Array.from({ length: 17 }, () => piece));
  feed.start('key', 'a-0');
  await vi.advanceTimersByTimeAsync(100);
  expect(said.at(-1)).toMatchObject({ state: 'reconnecting', reason: expect.stringContaining('max buffer size') });
});
