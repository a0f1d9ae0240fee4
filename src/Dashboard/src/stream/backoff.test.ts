import { expect, test } from 'vitest';
import { resyncDelay } from './backoff';

test('a resync waits 1 s to 30 s, longer each time, not in step with others', () => {
  const bounds = (attempt: number) => [resyncDelay(attempt, () => 0), resyncDelay(attempt, () => 1)];
  expect(bounds(0)).toEqual([1000, 2000]);
  expect(bounds(2)).toEqual([4000, 8000]);
  expect(bounds(50)).toEqual([15_000, 30_000]);
});
