import { beforeEach, describe, expect, test } from 'vitest';
import type { Waiting } from '../../api/types';
import { contribute } from '../../shell/contributions';
import { loaded as load } from '../../test/loaded';
import { eventsOf } from './events';
import { type Filter, filterIn, listOf, narrowed, nextOf } from './filter';
import { systemWaits } from './row';
import { tomorrow } from './snooze';
import { byUrgency, WaitingRows } from './store';

const AT = '2026-05-01T12:00:00.000Z';
const later = (minutes: number) => new Date(Date.parse(AT) + minutes * 60_000).toISOString();
const row = (key: string, rest: Partial<Waiting> = {}): Waiting => ({
  key,
  kind: key.split('-')[0] ?? '',
  id: key.split('-')[1] ?? '',
  title: `title of ${key}`,
  since_at: AT,
  urgency: 'now',
  refs: [],
  url: `/waiting/${key}`,
  ...rest,
});
const keys = (rows: readonly Waiting[]) => rows.map(({ key }) => key);
const loaded = (waiting: readonly Waiting[] = []) => load(new WaitingRows(), eventsOf, { waiting });

test('the most urgent comes first, then the nearest deadline, then the longest wait', () => {
  const rows = [
    row('e', { urgency: 'fyi' }),
    row('d', { urgency: 'soon' }),
    row('c', { since_at: later(1) }),
    row('b'),
    row('a', { deadline_at: later(9), since_at: later(5) }),
    row('f', { urgency: 'of-another-version' }),
  ];
  expect(keys(rows.toSorted(byUrgency))).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
});

describe('the list', () => {
  let news: string[];
  let gone: string[];

  function heard(waiting: readonly Waiting[]) {
    const made = loaded(waiting);
    [news, gone] = [[], []];
    made.store.onNew = (rows) => news.push(...keys(rows));
    made.store.onGone = (of) => gone.push(...of);
    return made;
  }

  test('counts what is urgent and not snoozed', () => {
    const { store, event } = heard([row('a'), row('b', { urgency: 'soon' }), row('c', { urgency: 'fyi' })]);
    expect(store.count.value).toBe(2);
    event({ kind: 'waiting_changed', waiting: row('a', { snoozed_until_at: later(10) }) });
    expect(store.count.value).toBe(1);
    expect(keys(store.shown.value)).toEqual(['b', 'c']);
    event({ kind: 'waiting_removed', key: 'b' });
    event({ kind: 'waiting_removed', key: 'b' });
    expect(store.count.value).toBe(0);
  });

  test('says what is new since the page was loaded, and what is back', () => {
    const { event } = heard([row('a'), row('b', { snoozed_until_at: later(10) })]);
    event({ kind: 'waiting_changed', waiting: row('a', { title: 'changed' }) });
    expect(news).toEqual([]);
    event({ kind: 'waiting_changed', waiting: row('b') });
    event({ kind: 'waiting_changed', waiting: row('c') });
    event({ kind: 'waiting_changed', waiting: row('d', { snoozed_until_at: later(1) }) });
    expect(news).toEqual(['b', 'c']);
    event({ kind: 'waiting_changed', waiting: row('c', { urgency: 'fyi' }) });
    event({ kind: 'waiting_changed', waiting: row('c', { urgency: 'soon' }) });
    expect(news).toEqual(['b', 'c', 'c']);
    event({ kind: 'waiting_removed', key: 'a' });
    expect(gone).toEqual(['d', 'a']);
  });

  test('of a new snapshot says what came and went while the page was away', () => {
    const { store } = heard([row('a'), row('b')]);
    store.snapshot({ waiting: [row('b'), row('c')] });
    expect([news, gone]).toEqual([['c'], ['a']]);
  });
});

describe('the filter', () => {
  const rows = [
    row('question-1', { agent: 'alice', title: 'may I "drop" 50%_of it?' }),
    row('approval-2', { agent: 'bob', urgency: 'soon', detail: 'More MEMORY' }),
    row('question-3', { agent: 'bob', snoozed_until_at: later(1) }),
  ];
  const by = (text: string) => {
    const filter: Filter = filterIn(new URLSearchParams(text));
    return keys(
      narrowed(listOf(filter, rows, [{ name: 'x', order: 1, label: '', rows: () => [row('x-1')], empty: '' }]), filter),
    );
  };

  test.each([
    ['', ['question-1', 'approval-2']],
    ['urgency=soon', ['approval-2']],
    ['kind=question', ['question-1']],
    ['agent=bob', ['approval-2']],
    ['show=snoozed', ['question-3']],
    ['show=snoozed&agent=alice', []],
    ['show=x', ['x-1']],
    ['show=unknown', ['question-1', 'approval-2']],
    ['q=memory', ['approval-2']],
    ['q=%22drop%22+50%25_', ['question-1']],
    ['q=*', []],
    ['q=(', []],
  ])('%s', (text, found) => expect(by(text)).toEqual(found));
});

describe('after a decision the list goes on', () => {
  const rows = ['a', 'b', 'c'].map((key) => row(key));
  const next = (key: string, was: number, ...skipped: string[]) =>
    nextOf(rows, key, was, (one) => skipped.includes(one.key))?.key ?? null;

  test('with the next one, also when the row has gone already', () => {
    expect(next('a', 0)).toBe('b');
    expect(next('gone', 1)).toBe('b');
  });

  test('past what is held, and back from the end', () => {
    expect(next('a', 0, 'b')).toBe('c');
    expect(next('c', 2)).toBe('b');
    expect(next('c', 2, 'a', 'b')).toBeNull();
  });
});

test('tomorrow is nine in the morning', () => {
  const at = tomorrow(new Date(2026, 11, 31, 23, 30));
  expect([at.getFullYear(), at.getMonth(), at.getDate(), at.getHours(), at.getMinutes()]).toEqual([2027, 0, 1, 9, 0]);
});

describe('kinds', () => {
  beforeEach(() => contribute({ waiting: import.meta.glob('../../waiting/*.ts', { eager: true }) }));

  test('of several things the common actions are done together', async () => {
    const { togetherOf } = await import('./actions');
    const rows = [row('approval-1', { agent: 'x' }), row('approval-2', { agent: 'y' })];
    const both = togetherOf(rows, '2 selected');
    expect(both.actions.map(({ label }) => label)).toEqual(['◆ APPR0VE']);
    expect(both.texts.map(({ label }) => label)).toEqual(['DENY']);
    const mixed = togetherOf([...rows, row('question-3', { agent: 'z' })], '3 selected');
    expect([mixed.actions, mixed.texts]).toEqual([[], []]);
  });
});

test('the reason for several things stays while things leave the selection', async () => {
  const { togetherOf } = await import('./actions');
  const deny = (row: Waiting) => ({
    id: 'deny',
    label: 'DENY' as const,
    of: row.id,
    target: `deny:${row.id}`,
    placeholder: '',
    what: 'a reason',
    action: () => ({ id: 'deny', label: 'DENY' as const, of: row.id, run: async () => {} }),
  });
  contribute({ waiting: { gate: { kind: { kind: 'gate', name: 'gate', withText: (row: Waiting) => [deny(row)] } } } });
  const targets = [2, 3].map((count) => {
    const rows = Array.from({ length: count }, (_, i) => row(`gate-${i}`));
    return togetherOf(rows, `${count} selected`).texts.map(({ target }) => target);
  });
  expect(targets).toEqual([['many deny'], ['many deny']]);
});

test('the place of the system is marked for what the host finds of itself, and for nothing else', () => {
  expect(systemWaits([row('question-1'), row('crash-a')])).toBe(false);
  for (const kind of ['doctor', 'disk', 'trouble', 'forge_behind'])
    expect(systemWaits([row('question-1'), row(kind)])).toBe(true);
});
