import { expect, test } from 'vitest';
import { rangeStart } from './rows';

test('a range begins at the last row that was chosen alone, and else at its end', () => {
  const keys = ['a', 'b', 'c'];
  expect([rangeStart(keys, 'a', 2), rangeStart(keys, null, 2), rangeStart(keys, 'gone', 1)]).toEqual([0, 2, 1]);
});
