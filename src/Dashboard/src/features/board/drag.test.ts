import { expect, test } from 'vitest';
import { scrollBy } from './drag';

test('near an edge the board scrolls on, faster the nearer, and in its middle not at all', () => {
  expect(scrollBy(500, 0, 1000)).toBe(0);
  expect(scrollBy(40, 0, 1000)).toBeLessThan(0);
  expect(scrollBy(0, 0, 1000)).toBeLessThan(scrollBy(40, 0, 1000));
  expect(scrollBy(960, 0, 1000)).toBeGreaterThan(0);
  expect(scrollBy(1500, 0, 1000)).toBe(scrollBy(1000, 0, 1000));
});
