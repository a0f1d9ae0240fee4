import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Refusal } from '../../api/refusal';
import { card, column } from '../../test/board-rows';
import { filled } from '../../test/routes';

const asked: { path: string; body: unknown }[] = [];
let answer: (e?: unknown) => void = () => {};
vi.mock('../../api/client', async (original) => ({
  ...(await original<object>()),
  api: {
    POST: (...[path, init]: Parameters<typeof filled>) => {
      asked.push(filled(path, init));
      return new Promise<void>((resolve, reject) => {
        answer = (e) => (e === undefined ? resolve() : reject(e));
      });
    },
  },
}));

const { carry, moving, refusalOf, refuse } = await import('./moves');
const { board } = await import('./store');
const testing = column('testing', ['PHASE_TEST']);
const to = 'PHASE_TEST';

beforeEach(() => {
  vi.useFakeTimers();
  asked.length = 0;
  board.reading()([card(1)]);
});

afterEach(async () => {
  // No card stays on its way.
  await vi.advanceTimersByTimeAsync(2_000);
  vi.useRealTimers();
});

test('a card is in its new column at once, and stays there until its new row has come', async () => {
  const done = carry(card(1), testing, to);
  expect(moving.value.get(1)).toBe('testing');
  answer();
  expect(await done).toBe(true);
  expect(asked).toEqual([{ path: '/tickets/1/transition', body: { to_phase: to } }]);
  await vi.advanceTimersByTimeAsync(100);
  expect(moving.value.get(1)).toBe('testing');
  board.put(card(1, { phase_id: 'PHASE_TEST' }));
  await vi.advanceTimersByTimeAsync(0);
  expect(moving.value.size).toBe(0);
});

test('a card that went further on before the answer came is shown there at once', async () => {
  const done = carry(card(1), testing, to);
  board.put(card(1, { phase_id: 'PHASE_DONE' }));
  answer();
  await done;
  await vi.advanceTimersByTimeAsync(0);
  expect(moving.value.size).toBe(0);
});

test('a card whose new row does not come is shown where the host says', async () => {
  const done = carry(card(1), testing, to);
  answer();
  await done;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(moving.value.size).toBe(0);
});

test('a refused move snaps back, and the refusal’s words stand at the card', async () => {
  const words = 'Testing is full: 8 of 8. Move a ticket out of it, or force it.';
  const done = carry(card(1), testing, to);
  answer(new Refusal(words, 409, 'conflict'));
  expect(await done).toBe(false);
  expect([moving.value.size, refusalOf(card(1))]).toEqual([0, { why: words, to }]);
  // It says nothing of where the card is later.
  expect(refusalOf(card(1, { phase_id: 'PHASE_BUILD' }))).toBeNull();
  const again = carry(card(1), testing, to);
  expect(refusalOf(card(1))).toBeNull();
  answer();
  await again;
  refuse(card(1), null);
});

test('a card that is being moved is not moved a second time', async () => {
  const first = carry(card(1), testing, to);
  expect(await carry(card(1), testing, to)).toBe(false);
  expect(asked).toHaveLength(1);
  answer();
  await first;
});
