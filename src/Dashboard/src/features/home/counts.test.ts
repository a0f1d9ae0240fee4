import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { WorkCounts } from '../../api/types';
import { Counts } from './counts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const work = (open_tasks: number): WorkCounts => ({ open_tasks, stopped_tasks: 0, stopped_tickets: 0 });

test('the counts are read once for changes close together, and not while the page is hidden', async () => {
  let reads = 0;
  let visible = true;
  const counts = new Counts(
    async () => work(++reads),
    () => visible,
  );
  await counts.read();
  expect(counts.work.value).toEqual(work(1));
  counts.changed();
  counts.changed();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(reads).toBe(2);
  await vi.advanceTimersByTimeAsync(15_000);
  expect(reads).toBe(3);
  visible = false;
  counts.changed();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(reads).toBe(3);
  visible = true;
  counts.shown();
  await vi.advanceTimersByTimeAsync(0);
  expect(reads).toBe(4);
  counts.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(reads).toBe(4);
});

test('changes that never stop are counted as they go on', async () => {
  let reads = 0;
  const counts = new Counts(
    async () => work(++reads),
    () => true,
  );
  await counts.read();
  for (let i = 0; i < 10; i++) {
    counts.changed();
    await vi.advanceTimersByTimeAsync(500);
  }
  expect(reads).toBe(1 + 5);
  counts.stop();
});

test('a change during a read is read again, and a read that failed says so until the next one', async () => {
  let answer = () => {};
  let fails = false;
  let reads = 0;
  const counts = new Counts(
    async () => {
      reads++;
      if (fails) throw new Error('the host is away');
      await new Promise<void>((done) => {
        answer = done;
      });
      return work(7);
    },
    () => true,
  );
  void counts.read();
  counts.changed();
  answer();
  await vi.advanceTimersByTimeAsync(0);
  expect(counts.work.value).toEqual(work(7));
  fails = true;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(reads).toBe(2);
  expect(counts.error.value).toContain('the host is away');
  expect(counts.work.value).toEqual(work(7));
  fails = false;
  await vi.advanceTimersByTimeAsync(15_000);
  answer();
  await vi.advanceTimersByTimeAsync(0);
  expect(counts.error.value).toBeNull();
  counts.stop();
});
