import { signal } from '@preact/signals';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Refusal } from '../api/refusal';
import { type Action, isPending, perform, refusal, together } from './action';
import { live } from './live';
import { applyPreferences } from './preferences';
import {
  cameBack,
  latestRecord,
  pauseToast,
  resumeToast,
  sendBeforeLeaving,
  tellOfLeft,
  toasts,
  UNDO_MS,
  undoLatest,
} from './undo';

let sent: string[];
let proven: boolean;
vi.mock('../api/client', async (original) => ({
  ...(await original<typeof import('../api/client')>()),
  isProven: () => proven,
  prepare: () => {},
  outliveThePage: () => {},
}));

const deny = (id: number, rest: Partial<Action> = {}): Action => ({
  id: `deny ${id}`,
  label: 'DENY',
  of: `approval ${id}`,
  hold: true,
  run: async () => sent.push(`deny ${id}`),
  ...rest,
});
const states = () => toasts.value.map(({ state }) => state);

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  proven = true;
  cameBack();
  const kept = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
  refusal.value = null;
  live.connection.value = { state: 'live', since: 0 };
  applyPreferences({ undo_seconds: 5 });
});

afterEach(async () => {
  await vi.runAllTimersAsync();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  expect(toasts.value).toEqual([]);
});

test('what cannot be taken back is held, then sent once', async () => {
  const ended = perform(deny(1));
  await vi.advanceTimersByTimeAsync(4_999);
  expect([sent, states(), isPending(deny(1))]).toEqual([[], ['held'], true]);
  await vi.advanceTimersByTimeAsync(1);
  expect(await ended).toBe(true);
  expect([sent, states(), isPending(deny(1))]).toEqual([['deny 1'], ['done'], false]);
});

test('a receipt comes when the host has it, not before, and leads to its record', async () => {
  let answer = () => {};
  const run = () =>
    new Promise<void>((resolve) => {
      answer = resolve;
    });
  const status = signal('building');
  const ended = perform(deny(1, { run, to: '/changes/1', text: 'no', result: () => status.value }));
  expect(latestRecord()).toBeNull();
  await vi.advanceTimersByTimeAsync(5_000);
  expect([states(), toasts.value[0]?.at, latestRecord(), undoLatest()]).toEqual([['sending'], null, null, false]);
  answer();
  expect(await ended).toBe(true);
  const [receipt] = toasts.value;
  expect([receipt?.state, receipt?.to, receipt?.text, receipt?.undo]).toEqual(['done', '/changes/1', 'no', null]);
  expect([latestRecord(), Date.parse(receipt?.at ?? '')]).toEqual(['/changes/1', Date.now()]);
  expect(receipt?.result?.()).toBe('building');
  status.value = 'approved';
  expect(receipt?.result?.()).toBe('approved');
});

test('what is decided elsewhere during the hold is dropped at once, said, and never sent', async () => {
  const over = signal<string | null>(null);
  const ended = perform(deny(1, { over: () => over.value }));
  await vi.advanceTimersByTimeAsync(2_000);
  over.value = 'Approval 1 was approved elsewhere';
  expect(await ended).toBe(false);
  expect(refusal.value).toBe('Approval 1 was approved elsewhere. Yours was not sent: Deny approval 1.');
  expect([states(), isPending(deny(1))]).toEqual([[], false]);
  await vi.runAllTimersAsync();
  expect(sent).toEqual([]);
});

test('a decision that arrives before its own answer is not taken for one made elsewhere', async () => {
  const over = signal<string | null>(null);
  const run = async () => {
    over.value = 'Approval 1 was denied elsewhere';
    await Promise.resolve();
    sent.push('deny 1');
  };
  const ended = perform(deny(1, { run, over: () => over.value }));
  await vi.advanceTimersByTimeAsync(5_000);
  expect([await ended, sent, refusal.value]).toEqual([true, ['deny 1'], null]);
});

test('undo takes back the latest held thing, which is never sent', async () => {
  const [first, second] = [perform(deny(1)), perform(deny(2))];
  expect(undoLatest()).toBe(true);
  expect(await second).toBe(false);
  expect(states()).toEqual(['held', 'undone']);
  await vi.runAllTimersAsync();
  expect(await first).toBe(true);
  expect(sent).toEqual(['deny 1']);
  expect(undoLatest()).toBe(false);
});

test('what was taken back has no record to show', async () => {
  const ended = perform(deny(1, { to: '/changes/1' }));
  expect([undoLatest(), await ended, states(), latestRecord()]).toEqual([true, false, ['undone'], null]);
});

test('the same action again is sent at once, and once', async () => {
  const first = perform(deny(1));
  const second = perform(deny(1));
  expect(await Promise.all([first, second, perform(deny(2, { hold: false }))])).toEqual([true, true, true]);
  await vi.runAllTimersAsync();
  expect(sent.toSorted()).toEqual(['deny 1', 'deny 2']);
});

test('without a time to hold it is sent at once', async () => {
  applyPreferences({ undo_seconds: 0 });
  expect(await perform(deny(1))).toBe(true);
  expect([sent, states()]).toEqual([['deny 1'], ['done']]);
});

test.each([
  ['falls in the hold', 6_000, 'sent'],
  ['is later', 6_001, 'held'],
])('a deed whose deadline %s (in %i ms) is %s', async (_, ms, what) => {
  const ended = perform(deny(1, { deadline: new Date(Date.now() + ms).toISOString() }));
  await vi.advanceTimersByTimeAsync(0);
  expect([sent, states()]).toEqual(what === 'sent' ? [['deny 1'], ['done']] : [[], ['held']]);
  await vi.advanceTimersByTimeAsync(5_000);
  expect([await ended, sent]).toEqual([true, ['deny 1']]);
});

test('while one decision on a thing is held, another one on it is refused', async () => {
  const things = ['approval 1'];
  const approve: Action = { ...deny(1), id: 'approve', label: '◆ APPR0VE', things, run: async () => sent.push('yes') };
  const first = perform(approve);
  expect(await perform(deny(1, { things }))).toBe(false);
  expect(refusal.value).toBe('Approve approval 1 is held; z takes it back. Yours was not sent: Deny approval 1.');
  expect([states(), isPending(deny(2))]).toEqual([['held'], false]);
  const beside = perform(deny(2, { things: ['approval 2'] }));
  undoLatest();
  undoLatest();
  expect([await first, await beside]).toEqual([false, false]);
  const second = perform(deny(1, { things }));
  await vi.advanceTimersByTimeAsync(5_000);
  expect([await second, sent]).toEqual([true, ['deny 1']]);
});

test('a refusal of what was held says its words', async () => {
  const refused = new Refusal('approval 1 was approved by operator', 409, 'conflict');
  const ended = perform(deny(1, { run: () => Promise.reject(refused) }));
  await vi.runAllTimersAsync();
  expect(await ended).toBe(false);
  expect(refusal.value).toBe('approval 1 was approved by operator');
});

test('while the host is away it waits, can be taken back, and is sent once it is back', async () => {
  live.connection.value = { state: 'reconnecting', since: 0, nextTryAt: 0, reason: '' };
  const [first, second] = [perform(deny(1)), perform(deny(2))];
  await vi.advanceTimersByTimeAsync(60_000);
  expect([sent, states()]).toEqual([[], ['away', 'away']]);
  undoLatest();
  live.connection.value = { state: 'live', since: 1 };
  expect([await first, await second]).toEqual([true, false]);
  expect(sent).toEqual(['deny 1']);
});

test('one that broke off is sent again where the host would refuse a second', async () => {
  let tries = 0;
  const run = async () => {
    if (tries++ > 0) throw new Refusal('approval 1 was denied', 409, 'conflict');
    live.connection.value = { state: 'reconnecting', since: 0, nextTryAt: 0, reason: '' };
    throw new Refusal('the host cannot be reached', 0, 'unreachable');
  };
  const ended = perform(deny(1, { run }));
  await vi.advanceTimersByTimeAsync(5_000);
  expect(states()).toEqual(['away']);
  live.connection.value = { state: 'live', since: 1 };
  expect(await ended).toBe(false);
  expect([tries, refusal.value]).toEqual([2, 'approval 1 was denied']);
});

test('what can be taken back is done at once, and can be undone for eight seconds', async () => {
  const ack: Action = {
    id: 'ack',
    label: '✓ 4CK',
    of: 'message 3',
    run: async () => sent.push('ack'),
    undo: async () => sent.push('unread'),
  };
  expect(await perform(ack)).toBe(true);
  expect(states()).toEqual(['done']);
  undoLatest();
  undoLatest();
  await vi.advanceTimersByTimeAsync(0);
  expect([sent, states()]).toEqual([['ack', 'unread'], ['undone']]);
  await perform(ack);
  await vi.advanceTimersByTimeAsync(UNDO_MS);
  expect(undoLatest()).toBe(false);
});

const pauseOf = (name: string, undo: () => Promise<unknown>): Action => ({
  id: 'pause',
  label: '‖ P4US3',
  of: name,
  run: async () => sent.push(`pause ${name}`),
  undo,
});

test('each of many things in a row keeps its time to be taken back', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  for (const name of names) await perform(pauseOf(name, async () => sent.push(`resume ${name}`)));
  while (undoLatest());
  await vi.advanceTimersByTimeAsync(0);
  expect(sent.slice(names.length).toSorted()).toEqual(names.map((name) => `resume ${name}`));
});

test('an undo that fails can be tried again', async () => {
  let isAway = true;
  const undo = () => (isAway ? Promise.reject(new Error('the host is away')) : Promise.resolve(sent.push('resume')));
  await perform(pauseOf('alice', undo));
  undoLatest();
  await vi.advanceTimersByTimeAsync(0);
  expect([states(), refusal.value]).toEqual([['done'], 'Not taken back: the host is away']);
  isAway = false;
  undoLatest();
  await vi.advanceTimersByTimeAsync(0);
  expect([sent, states()]).toEqual([['pause alice', 'resume'], ['undone']]);
});

test('many at once are one held thing, and what failed is named', async () => {
  const bad = deny(2, { run: () => Promise.reject(new Error('it is building')) });
  const ended = perform(together('3 approvals', [deny(1), bad, deny(3)]));
  expect(states()).toEqual(['held']);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await ended).toBe(true);
  expect(sent).toEqual(['deny 1', 'deny 3']);
  expect(refusal.value).toBe('1 of 3 failed. approval 2: it is building');
});

test('many at once are dropped once all of them are decided elsewhere, and not before', async () => {
  const decided = signal<readonly number[]>([]);
  const over = (id: number) => () => (decided.value.includes(id) ? `Approval ${id} was denied elsewhere` : null);
  const ended = perform(together('2 approvals', [deny(1, { over: over(1) }), deny(2, { over: over(2) })]));
  decided.value = [1];
  await vi.advanceTimersByTimeAsync(0);
  expect(states()).toEqual(['held']);
  decided.value = [1, 2];
  expect([await ended, sent]).toEqual([false, []]);
  const why = 'Approval 1 was denied elsewhere; Approval 2 was denied elsewhere';
  expect(refusal.value).toBe(`${why}. Yours was not sent: Deny 2 approvals.`);
});

test('many at once are taken back together, without those that failed', async () => {
  const pause = (name: string, fails = false): Action => ({
    id: 'pause',
    label: '‖ P4US3',
    of: name,
    run: async () => {
      if (fails) throw new Error('no');
      sent.push(`pause ${name}`);
    },
    undo: async () => sent.push(`resume ${name}`),
  });
  expect(await perform(together('2 agents', [pause('alice'), pause('bob', true)]))).toBe(true);
  undoLatest();
  await vi.advanceTimersByTimeAsync(0);
  expect(sent).toEqual(['pause alice', 'resume alice']);
});

test('a page that goes away sends what is held, once, and the next page says so', async () => {
  const ended = perform(deny(1, { to: '/changes/1' }));
  sendBeforeLeaving();
  sendBeforeLeaving();
  expect(await ended).toBe(true);
  await vi.runAllTimersAsync();
  expect(latestRecord()).toBeNull();
  expect(sent).toEqual(['deny 1']);
  tellOfLeft((label) => label);
  expect(toasts.value.map(({ state, of }) => [state, of])).toEqual([['sent', 'approval 1']]);
  expect(latestRecord()).toBe('/changes/1');
  expect(refusal.value).toBeNull();
  tellOfLeft((label) => label);
  expect(toasts.value).toHaveLength(1);
});

test('a page that goes before the host has proved itself sends nothing, and the next page says so', async () => {
  const ended = perform(deny(1));
  proven = false;
  sendBeforeLeaving();
  tellOfLeft((label) => label);
  expect([sent, refusal.value]).toEqual([[], 'The page went away while the host was away. Not sent: DENY approval 1.']);
  // This page lives on in the test: it is taken back, so that nothing is left.
  undoLatest();
  expect(await ended).toBe(false);
});

test('a page that is shown again waits for its host as before', async () => {
  sendBeforeLeaving();
  const first = perform(deny(1));
  sendBeforeLeaving();
  expect(await first).toBe(true);
  cameBack();
  live.connection.value = { state: 'reconnecting', since: 0, nextTryAt: 0, reason: '' };
  const ended = perform(deny(2));
  await vi.advanceTimersByTimeAsync(5_000);
  expect([sent, states()]).toEqual([['deny 1'], ['done', 'away']]);
  live.connection.value = { state: 'live', since: 1 };
  expect(await ended).toBe(true);
  expect(sent).toEqual(['deny 1', 'deny 2']);
});

test.each([
  ['back', -86_400_000],
  ['forward', 86_400_000],
])('a clock that is set %s by a day changes nothing of what is held', async (_, by) => {
  const ended = perform(deny(1));
  vi.setSystemTime(Date.now() + by);
  await vi.advanceTimersByTimeAsync(4_999);
  expect([sent, states()]).toEqual([[], ['held']]);
  await vi.advanceTimersByTimeAsync(1);
  expect(await ended).toBe(true);
  expect(sent).toEqual(['deny 1']);
});

test('what somebody else decided during the hold is refused with the words of that decision', async () => {
  const refused = new Refusal('question 3 was answered by operator: yes', 409, 'conflict');
  let tries = 0;
  const run = () => {
    tries++;
    return Promise.reject(refused);
  };
  const [first, again] = [perform(deny(1, { run })), perform(deny(1, { run }))];
  expect(await Promise.all([first, again])).toEqual([false, false]);
  await vi.runAllTimersAsync();
  expect([tries, refusal.value, undoLatest()]).toEqual([1, 'question 3 was answered by operator: yes', false]);
});

test('what cannot be sent as the page goes away is given back', async () => {
  const kept: string[] = [];
  proven = false;
  const ended = perform(deny(1, { left: () => kept.push('deny 1') }));
  sendBeforeLeaving();
  expect([kept, sent]).toEqual([['deny 1'], []]);
  // This page lives on in the test: it is taken back, so that nothing is left.
  undoLatest();
  expect(await ended).toBe(false);
});

test('an undo whose answer is slow can be tried again when it fails', async () => {
  let refuse: (e: Error) => void = () => {};
  let tries = 0;
  const undo = () => {
    if (tries++ > 0) return Promise.resolve();
    return new Promise<void>((_, reject) => {
      refuse = reject;
    });
  };
  await perform(pauseOf('alice', undo));
  undoLatest();
  await vi.advanceTimersByTimeAsync(UNDO_MS + 1);
  refuse(new Error('the host is away'));
  await vi.advanceTimersByTimeAsync(0);
  expect([states(), refusal.value]).toEqual([['done'], 'Not taken back: the host is away']);
  expect(undoLatest()).toBe(true);
  await vi.advanceTimersByTimeAsync(0);
  expect(states()).toEqual(['undone']);
});

test('the time of a toast stands still while the pointer or the focus is on it', async () => {
  await perform(pauseOf('alice', async () => {}));
  const id = toasts.value[0]?.id ?? 0;
  pauseToast(id, 'focus');
  pauseToast(id, 'pointer');
  resumeToast(id, 'pointer');
  await vi.advanceTimersByTimeAsync(UNDO_MS * 2);
  expect(states()).toEqual(['done']);
  resumeToast(id, 'focus');
  await vi.advanceTimersByTimeAsync(UNDO_MS);
  expect(states()).toEqual([]);
});

test.each(['pointer', 'focus'] as const)('a receipt stays while the %s that came in the hold is on it', async (by) => {
  const ended = perform(deny(1));
  const id = toasts.value[0]?.id ?? 0;
  pauseToast(id, by);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await ended).toBe(true);
  await vi.advanceTimersByTimeAsync(UNDO_MS * 2);
  expect(states()).toEqual(['done']);
  resumeToast(id, by);
  await vi.advanceTimersByTimeAsync(UNDO_MS);
  expect(states()).toEqual([]);
});
