import { expect, test } from 'vitest';
import type { Agent, Budget, Transient } from '../../api/types';
import { column, workflow } from '../../test/board-rows';
import { lastLook, lookUntil } from './look';
import { boardsOf, chiefOf } from './strip';
import { bars, workOf } from './work';

const MINUTE = 60_000;
const agent = (name: string, state: string, since_at = '2026-05-01T12:00:00Z'): Agent =>
  ({ name, activity: { state, since_at } }) as Agent;

test('a short absence is the same look, a longer one ends where it began', () => {
  expect(lastLook(null, 0)).toBeNull();
  const first = lookUntil(null, 10 * MINUTE);
  expect(lastLook(first, 12 * MINUTE)).toBe(10 * MINUTE);
  expect(lastLook(first, 60 * MINUTE)).toBe(10 * MINUTE);
  const second = lookUntil(10 * MINUTE, 20 * MINUTE);
  expect(lastLook(second, 30 * MINUTE)).toBe(10 * MINUTE);
  expect(lastLook(second, 40 * MINUTE)).toBe(20 * MINUTE);
});

test.each(['', 'null', '7', '{"since":"x"}', '{'])('a look in another form is none: %s', (stored) =>
  expect(lastLook(stored, 0)).toBeNull(),
);

test('agents are counted by group; failed and working ones are listed, the longest at it first', () => {
  const rows = [
    agent('a', 'idle'),
    agent('b', 'working', '2026-05-01T12:05:00Z'),
    agent('c', 'working'),
    agent('d', 'failed'),
    agent('e', 'rate limited'),
    agent('f', 'waits for you'),
    agent('g', 'stopped'),
    agent('h', 'idle'),
  ];
  const transient = { name: 'h', kind: 'rebuilding', since_at: '2026-05-01T12:09:00Z' } as Transient;
  const { counts, listed } = workOf(rows, new Map([['h', transient]]));
  expect(counts).toEqual({ failed: 1, waits: 1, working: 3, held: 1, idle: 1, down: 1 });
  expect(listed.map(({ agent: { name } }) => name)).toEqual(['d', 'c', 'b', 'h', 'e', 'f']);
});

test('values are a line of at most 24 bars', () => {
  expect(bars([0, 1, 2, 8])).toBe('▁▁▂█');
  expect(bars([])).toBe('');
  expect(bars(Array.from({ length: 288 }, () => 1))).toBe('█'.repeat(24));
});

test('the strip has the columns of boards with tickets, and what is blocked on each of them', () => {
  const columns = [
    column('backlog', ['PHASE_BACKLOG'], { count: 3, blocked: 2 }),
    column('building', ['PHASE_BUILD'], { count: 1, blocked: 1 }),
    column('todo', ['PHASE_TODO'], { workflow: 'empty' }),
    column('doing', ['PHASE_DO'], { workflow: 'well', count: 1 }),
  ];
  const boards = boardsOf([workflow(), workflow('empty'), workflow('well')], columns);
  expect(
    boards.map(({ workflow: { name }, columns }) => [name, ...columns.map(({ id, count }) => `${id} ${count}`)]),
  ).toEqual([
    ['ship', 'backlog 3', 'building 1', 'blocked 3'],
    ['well', 'doing 1'],
  ]);
});

test('the budget of everything says most, else the one that is used up most', () => {
  const budget = (id: number, scope: string, spent_usd: number) =>
    ({ id, scope, spent_usd, spent_tokens: 0, limit_usd: 10 }) as Budget;
  expect(chiefOf([])).toBeUndefined();
  expect(chiefOf([budget(1, 'agent', 2), budget(2, 'agent', 9)])?.id).toBe(2);
  expect(chiefOf([budget(1, 'agent', 9), budget(2, 'global', 1)])?.id).toBe(2);
});
