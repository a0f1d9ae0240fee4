import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { eventsOf as approvalEvents, news as approvalNews } from '../features/approvals/events';
import { Approvals } from '../features/approvals/store';
import { eventsOf as messageEvents, news as messageNews } from '../features/messages/events';
import { Messages } from '../features/messages/store';
import { eventsOf as questionEvents, news as questionNews } from '../features/questions/events';
import { Questions } from '../features/questions/store';
import { Live, type News } from '../stream/live';
import { fakeCrypto } from '../test/fake-crypto';
import { FakeHost } from '../test/fake-host';
import { snapshotOf } from '../test/loaded';
import { newsIn } from './news';

let host: FakeHost;
let live: Live;
let log: Messages;
let news: News[];
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
  news = [];
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
  const features = [{ news: messageNews }, { news: questionNews }, { news: approvalNews }];
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
    newsIn: (event) => newsIn(features, event),
    onNews: (told) => news.push(told),
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

test('the operator is notified of questions, messages and requests, and nothing else', async () => {
  live.start();
  await settle();
  const question = {
    id: 1,
    asker: 'alice',
    question: 'which?',
    question_refs: [],
    options: [],
    multi: false,
    asked_at: '2026-05-01T12:00:00.000Z',
    answer_refs: [],
  };
  host.emit({ kind: 'question_added', question });
  host.emit({ kind: 'question_added', question: { ...question, id: 2, target: 'bob' } });
  host.emit({ kind: 'question_resolved', question: { ...question, answer: 'this', answerer: 'operator' } });
  host.emit({ kind: 'sent', message: { ...message(1), to: 'operator' } });
  host.emit({ kind: 'sent', message: message(2) });
  const approval = {
    id: 7,
    agent: 'carol',
    kind: 'spawn',
    commit_ref: '',
    status: 'pending',
    requested_at: '2026-05-01T12:00:00.000Z',
    requester: 'manager',
  };
  host.emit({ kind: 'approval_added', approval });
  host.emit({ kind: 'approval_added', approval: { ...approval, id: 8, agent: 'dave', requester: 'operator' } });
  host.emit({ kind: 'approval_changed', approval: { ...approval, status: 'building' } });
  await settle();
  expect(news.map(({ tag }) => tag)).toEqual(['question-1', 'message-1', 'approval-7']);
});
