import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Message } from '../../api/types';
import { Newest } from './newest';

const MOST = 5;
const PAGE = 8;

/** The messages that match at the host. */
let host: Set<number>;
/** Answers the requests that the page waits for, as the host was when it was asked. */
let answers: (() => void)[];
let reads: number;
let away: boolean;
let rows: Newest;

const message = (id: number): Message => ({ id }) as Message;
const newest = (most: number, before = Number.MAX_SAFE_INTEGER) =>
  [...host]
    .filter((id) => id < before)
    .sort((a, b) => b - a)
    .slice(0, most);
const held = () => rows.rows.value.map(({ id }) => id);
const snapshot = () => rows.snapshot(newest(MOST).map(message));
const comes = (id: number): void => {
  host.add(id);
  rows.put(message(id));
};
const leaves = (id: number): void => {
  host.delete(id);
  rows.remove(id);
};
/** Answers until the page asks for nothing more. */
async function settled(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
  while (answers.length > 0) {
    for (const answer of answers.splice(0)) answer();
    await vi.advanceTimersByTimeAsync(0);
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  [host, answers, reads, away] = [new Set(Array.from({ length: 100 }, (_, i) => i + 1)), [], 0, false];
  rows = new Newest(MOST, (before) => {
    reads++;
    if (away) return Promise.reject(new Error('away'));
    const page = newest(PAGE, before).map(message);
    return new Promise((resolve) => answers.push(() => resolve(page)));
  });
  snapshot();
});

afterEach(() => vi.useRealTimers());

test('an older row takes the place of one that left', async () => {
  leaves(98);
  expect(held()).toEqual([100, 99, 97, 96]);
  await settled();
  expect(held()).toEqual([100, 99, 97, 96, 95]);
});

test('what comes and goes while the older rows are read is in the answer', async () => {
  leaves(98);
  leaves(95);
  leaves(94);
  comes(94);
  leaves(92);
  await settled();
  expect(held()).toEqual([100, 99, 97, 96, 94]);
});

test('nothing is read while no row is missing', async () => {
  leaves(3);
  comes(3);
  comes(101);
  host = new Set([7, 8, 9]);
  snapshot();
  leaves(8);
  await settled();
  expect([held(), reads]).toEqual([[9, 7], 0]);
});

test('a snapshot replaces what is being read', async () => {
  leaves(98);
  host = new Set([7, 8, 9]);
  snapshot();
  await settled();
  expect(held()).toEqual([9, 8, 7]);
});

test('a read that failed is repeated', async () => {
  away = true;
  leaves(98);
  await vi.advanceTimersByTimeAsync(20_000);
  away = false;
  await vi.advanceTimersByTimeAsync(5000);
  await settled();
  expect(held()).toEqual([100, 99, 97, 96, 95]);
});

test('the rows are the newest after any changes', async () => {
  let seed = 15;
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  let next = 101;
  for (let step = 0; step < 5000; step++) {
    const kind = random(10);
    if (kind < 5) leaves(random(2) === 0 ? (held()[random(MOST)] ?? 1) : 1 + random(next));
    else if (kind < 7) comes(next++);
    else if (kind < 9) comes(1 + random(next - 1));
    else answers.shift()?.();
    if (random(5) === 0) await vi.advanceTimersByTimeAsync(0);
    if (step % 500 === 0) {
      await settled();
      expect(held()).toEqual(newest(MOST));
    }
  }
  await settled();
  expect(held()).toEqual(newest(MOST));
});
