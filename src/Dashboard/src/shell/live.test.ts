import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { eventsOf as approvalEvents } from '../features/approvals/events';
import { Approvals } from '../features/approvals/store';
import { eventsOf as messageEvents } from '../features/messages/events';
import { Messages } from '../features/messages/store';
import { eventsOf as questionEvents } from '../features/questions/events';
import { Questions } from '../features/questions/store';
import { Live } from '../stream/live';
import { fakeCrypto } from '../test/fake-crypto';
import { FakeHost } from '../test/fake-host';
import { snapshotOf } from '../test/loaded';

let host: FakeHost;
let live: Live;
let log: Messages;
/** The answers of /api/state and /dashboard/history. */
let state: number;
let history: number;
let messages: object[];

const message = (id: number) => ({
  id,
  from: 'alice',
  to: 'bob',
  body: `body ${id}`,
  sent_at: '2026-05-01T12:00:00.000Z',
  file_refs: [],
});
const answer = (status: number, body: object) =>
  new Response(JSON.stringify(status === 200 ? body : { detail: `status ${status}` }), { status });

beforeEach(() => {
  vi.useFakeTimers();
  host = new FakeHost();
  fakeCrypto();
  [state, history, messages] = [200, 200, []];
  vi.stubGlobal('localStorage', { getItem: () => 'key', setItem: () => {}, removeItem: () => {} });
  vi.stubGlobal('fetch', async (path: string, init?: RequestInit) => {
    if (path === '/api/state') return answer(state, snapshotOf({ cursor: host.cursor }));
    if (path.startsWith('/dashboard/history')) return answer(history, { cursor: host.cursor, messages });
    return host.fetch(path, init);
  });
  live = page(null);
});

afterEach(() => {
  live.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function page(build: string | null, onOtherVersion = () => {}): Live {
  const [messages, questions, approvals] = [new Messages(), new Questions(), new Approvals()];
  log = messages;
  const made = new Live();
  made.use({
    stores: [
      {
        snapshot: (snapshot) => messages.snapshot(snapshot),
        events: messageEvents(messages),
        read: (stopped) => messages.read(stopped),
      },
      { events: questionEvents(questions) },
      { events: approvalEvents(approvals) },
    ],
    onOtherVersion,
    build,
  });
  return made;
}

const settle = () => vi.advanceTimersByTimeAsync(100);
const nextTry = () => vi.advanceTimersByTimeAsync(30_000);
const send = (id: number) => {
  messages.push(message(id));
  host.emit({ kind: 'sent', message: message(id) });
};
const shown = () => log.flow.value.rows.map((row) => row.message.id);

test('a page of another build than the host reloads at its first snapshot', async () => {
  let reloads = 0;
  const of = (build: string) => page(build, () => reloads++);
  live = of('1');
  live.start();
  await settle();
  expect([live.sync.value.state, reloads]).toEqual(['synced', 0]);
  live.stop();
  live = of('0');
  live.start();
  await settle();
  expect([live.picture.loaded.value, reloads]).toEqual([false, 1]);
});

test('the page is not live before its log is read, and retries until then', async () => {
  history = 503;
  send(1);
  live.start();
  await settle();
  expect(live.picture.loaded.value).toBe(true);
  expect(live.sync.value).toMatchObject({ state: 'waiting', reason: 'status 503' });
  send(2);
  history = 200;
  await nextTry();
  expect(live.sync.value.state).toBe('synced');
  expect(shown()).toEqual([1, 2]);
  send(3);
  await settle();
  expect(shown()).toEqual([1, 2, 3]);
});

test('past the bound of waiting events the stream is closed, and nothing is missed', async () => {
  live.start();
  await settle();
  expect(host.connections).toBe(1);
  state = 503;
  live.receive({ type: 'resync', cursor: host.cursor });
  for (let i = 0; i < 10_000; i++) host.emit({ kind: 'unknown' });
  await settle();
  expect(host.connections).toBe(1);
  send(1);
  await settle();
  expect(host.connections).toBe(0);
  send(2);
  state = 200;
  await nextTry();
  await settle();
  expect(live.sync.value.state).toBe('synced');
  expect(host.connections).toBe(1);
  send(3);
  await settle();
  expect(shown()).toEqual([1, 2, 3]);
});

test('a final refusal closes the stream, and a retry brings both back', async () => {
  live.start();
  await settle();
  state = 403;
  live.receive({ type: 'resync', cursor: host.cursor });
  await nextTry();
  expect(live.sync.value).toEqual({ state: 'cannot', reason: 'status 403' });
  expect(host.connections).toBe(0);
  state = 200;
  send(1);
  live.retry();
  await nextTry();
  await settle();
  expect(live.sync.value.state).toBe('synced');
  expect(live.connection.value.state).toBe('live');
  expect(shown()).toEqual([1]);
});
