import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fakeCrypto } from '../../test/fake-crypto';
import { FakeHost } from '../../test/fake-host';
import { entriesOf, KEPT, KEPT_LIVE } from './entries';
import type { AgentEvent } from './events';
import { AgentLive } from './store';

let host: FakeHost;
let it: AgentLive;
let visible: boolean;
let status: number;
let stored: AgentEvent[];
let harness: object;
let asked: string[];

const AT = '2026-05-01T12:00:00.000Z';
const event = (id: number): AgentEvent => ({ id, kind: 'text', at: AT, text: `text ${id}` });
const answer = (body: object) =>
  new Response(JSON.stringify(status === 200 ? body : { detail: `status ${status}` }), { status });

beforeEach(() => {
  vi.useFakeTimers();
  host = new FakeHost();
  fakeCrypto();
  [visible, status, stored, asked] = [true, 200, [], []];
  harness = { connected: true, state: 'idle', since_at: AT };
  vi.stubGlobal('localStorage', { getItem: () => 'key', setItem: () => {}, removeItem: () => {} });
  vi.stubGlobal('fetch', async (path: string, init?: RequestInit) => {
    asked.push(path);
    if (path === '/api/agents/alice/harness') return answer({ ...harness, cursor: host.cursor });
    if (path.startsWith('/api/agents/alice/events')) {
      const query = new URL(path, 'http://host').searchParams;
      const before = Number(query.get('before') ?? Number.MAX_SAFE_INTEGER);
      const older = stored.filter(({ id }) => id < before);
      return answer({ cursor: host.cursor, events: older.slice(-200), more: older.length > 200 });
    }
    return host.fetch(path, init);
  });
  it = new AgentLive('alice', () => visible);
});

afterEach(() => {
  it.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const settle = () => vi.advanceTimersByTimeAsync(100);
const happen = (id: number) => {
  stored.push(event(id));
  host.emit({ kind: 'agent_event', event: event(id) });
};
const shown = () => it.terminal.value.events.map(({ id }) => id);
const many = (from: number, to: number) => {
  for (let id = from; id <= to; id++) happen(id);
};

test('a flood is applied four times a second, until little arrives', async () => {
  it.start();
  await settle();
  many(1, 51);
  await vi.advanceTimersByTimeAsync(60);
  expect([it.flooded.value, shown().length]).toEqual([true, 51]);
  happen(52);
  await vi.advanceTimersByTimeAsync(200);
  expect(shown().length).toBe(51);
  await vi.advanceTimersByTimeAsync(50);
  expect([it.flooded.value, shown().length]).toEqual([false, 52]);
  many(53, 104);
  await vi.advanceTimersByTimeAsync(60);
  expect(it.flooded.value).toBe(true);
  await vi.advanceTimersByTimeAsync(250);
  expect([it.flooded.value, shown().length]).toEqual([false, 104]);
});

test('stored events come first, then new ones, each once', async () => {
  many(1, 3);
  it.start();
  await settle();
  happen(4);
  host.emit({ kind: 'agent_event', event: event(4) });
  host.emit({ kind: 'harness_changed', harness: { ...harness, state: 'thinking' } });
  await settle();
  expect(shown()).toEqual([1, 2, 3, 4]);
  expect(it.harness.value?.state).toBe('thinking');
  expect(asked.filter((path) => path.includes('stream'))).toEqual(['/dashboard/stream?agent=alice&cursor=a-3']);
});

test('a text grows while it is written, and the whole text takes its place', async () => {
  it.start();
  await settle();
  const write = (text: string) => host.emit({ kind: 'text_part', part: { at: AT, turn: 7, text } });
  write('All ');
  write('is');
  await settle();
  expect(it.writing.value).toEqual({ at: AT, turn: 7, text: 'All is' });
  expect(entriesOf(it.terminal.value.events, it.writing.value).map(({ event }) => event.kind)).toEqual(['text_part']);
  write(' well.');
  happen(1);
  await settle();
  expect([it.writing.value, shown()]).toEqual([null, [1]]);
  // Of a text without end its end is shown, and nothing of it outlives the stream.
  write('x'.repeat(30_000));
  await settle();
  expect(it.writing.value?.text).toHaveLength(20_000);
  visible = false;
  it.shown();
  expect(it.writing.value).toBeNull();
});

test('the stream is open only while the page is visible, and nothing is missed', async () => {
  it.start();
  await settle();
  expect(host.connections).toBe(1);
  visible = false;
  it.shown();
  expect(host.connections).toBe(0);
  it.retry();
  many(1, 2);
  await settle();
  expect(host.connections).toBe(0);
  visible = true;
  it.shown();
  await settle();
  expect(host.connections).toBe(1);
  expect(shown()).toEqual([1, 2]);
  it.stop();
  expect(host.connections).toBe(0);
});

test('after a break the stream resumes, and after a restart events are fetched', async () => {
  it.start();
  await settle();
  happen(1);
  await settle();
  host.drop();
  many(2, 3);
  await vi.advanceTimersByTimeAsync(2000);
  expect(shown()).toEqual([1, 2, 3]);
  host.restart();
  stored.push(event(4));
  harness = { ...harness, state: 'needs_login' };
  await vi.advanceTimersByTimeAsync(40_000);
  expect(shown()).toEqual([1, 2, 3, 4]);
  expect(it.harness.value?.state).toBe('needs_login');
  expect(it.connection.value.state).toBe('live');
});

test('a reader further up keeps old events when too many were missed', async () => {
  many(1, 10);
  it.start();
  await settle();
  it.following.value = false;
  host.restart();
  for (let id = 11; id <= 400; id++) stored.push(event(id));
  await vi.advanceTimersByTimeAsync(40_000);
  expect(shown()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(it.terminal.value.atHead).toBe(false);
  happen(401);
  await settle();
  expect(it.unseen.value).toBe(1);
  await it.newest();
  await settle();
  expect(shown().at(0)).toBe(202);
  expect(shown().at(-1)).toBe(401);
  happen(402);
  await settle();
  expect(shown().at(-1)).toBe(402);
});

test('the number of held events is bounded', async () => {
  it.start();
  await settle();
  many(1, 3000);
  await settle();
  expect(shown()).toHaveLength(KEPT_LIVE);
  expect(it.terminal.value.hasOlder).toBe(true);
  it.following.value = false;
  for (let i = 0; i < 9; i++) await it.older();
  expect(shown()).toHaveLength(KEPT);
  expect(shown()[0]).toBe(201);
  expect(it.terminal.value.atHead).toBe(false);
  await it.older();
  expect(shown()[0]).toBe(1);
  expect(it.terminal.value.hasOlder).toBe(false);
});

describe('when the host', () => {
  test('refuses, the view says so, and a retry brings it back', async () => {
    status = 404;
    it.start();
    await settle();
    expect(it.sync.value).toEqual({ state: 'cannot', reason: 'status 404' });
    status = 200;
    it.retry();
    await settle();
    expect(it.sync.value.state).toBe('synced');
  });

  test('is busy, the view retries automatically', async () => {
    status = 503;
    it.start();
    await settle();
    expect(it.sync.value).toMatchObject({ state: 'waiting', reason: 'status 503' });
    status = 200;
    await vi.advanceTimersByTimeAsync(5000);
    expect(it.connection.value.state).toBe('live');
  });
});
