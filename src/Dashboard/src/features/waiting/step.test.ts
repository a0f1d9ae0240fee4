import { expect, test } from 'vitest';
import type { Waiting } from '../../api/types';
import { stepAfter } from './step';

const row = (key: string) => ({ key }) as Waiting;
const rows = ['a', 'b', 'c'].map(row);
const step = (from: string, key: string | null, decided: readonly string[] = [], all = rows, was = 0) =>
  stepAfter(from, { key, rows: all, was }, (one) => decided.includes(one));

test('the next row is selected after a decision, else the one before', () => {
  expect(step('a', 'a')?.key).toBe('b');
  expect(step('a', 'a', ['b'])?.key).toBe('c');
  expect(step('c', 'c')?.key).toBe('b');
});

test('an operator who is at another row, or in another place, stays there', () => {
  expect(step('a', 'b')).toBeUndefined();
  expect(step('a', null)).toBeUndefined();
});

test('the last row stays selected while it is held, and nothing once it has gone', () => {
  expect(step('a', 'a', ['b', 'c'])).toBeUndefined();
  expect(step('a', 'a', [], [])).toBeNull();
});

test('the row in the place of one that has gone is selected', () => {
  expect(step('b', 'b', [], [row('a'), row('c')], 1)?.key).toBe('c');
});
