import { expect, test } from 'vitest';
import type { Budget } from '../../api/types';
import { heldText } from './budgets';
import { Budgets, spentOf } from './budgets-store';

const budget = (id: number, spent_usd = 0): Budget => ({
  id,
  scope: 'global',
  period: 'day',
  period_start: '2026-11-01T00:00:00.000Z',
  spent_usd,
  spent_tokens: 0,
  reserved_usd: 0,
  reserved_tokens: 0,
  alert_threshold: 0.8,
  level: 'ok',
  on_exceed: 'hold',
  created_at: '2026-11-01T00:00:00.000Z',
  updated_at: '2026-11-01T00:00:00.000Z',
});

test('budgets follow the snapshot and the stream, the oldest first', () => {
  const budgets = new Budgets();
  budgets.snapshot({ budgets: [budget(2), budget(1)] });
  budgets.put(budget(2, 5));
  budgets.put(budget(3));
  budgets.remove(1);
  expect(budgets.all.value.map(({ id, spent_usd }) => [id, spent_usd])).toEqual([
    [2, 5],
    [3, 0],
  ]);
});

test('of two limits, the one that is used up further counts', () => {
  expect(spentOf({ ...budget(1, 1), limit_usd: 10, limit_tokens: 100, spent_tokens: 100 })).toBe(1);
  expect(spentOf({ ...budget(1, 5), limit_usd: 10, limit_tokens: 100, spent_tokens: 10 })).toBe(0.5);
  expect(spentOf({ ...budget(1, 5), limit_tokens: 100, spent_tokens: 10 })).toBe(0.1);
});

test('a budget that holds tasks says how much is left and what they need', () => {
  expect(heldText({ tasks: 2, stuck: true, left_usd: 0.046, least_usd: 0.054 })).toBe(
    'holds 2 tasks: $0.046 left, and the smallest needs about $0.054; raise the limit',
  );
  expect(heldText({ tasks: 1, stuck: false, left_usd: 0, left_tokens: 10 })).toBe(
    'holds 1 task: $0.00 · 10 tokens left; some is reserved',
  );
});
