import { describe, expect, test, vi } from 'vitest';
import type { Reminder } from '../../api/types';
import { loaded as load } from '../../test/loaded';
import { eventsOf } from './events';
import { ATTEMPTS, failed, givenUp } from './reminder';
import { Reminders } from './store';

const AT = '2026-05-01T12:00:00.000Z';
const later = (seconds: number) => new Date(Date.parse(AT) + seconds * 1000).toISOString();
const reminder = (id: number, rest: Partial<Reminder> = {}): Reminder => ({
  id,
  agent: 'alice',
  message: `reminder ${id}`,
  file_refs: [],
  created_at: AT,
  due_at: later(id),
  attempt_count: 0,
  ...rest,
});
const loaded = (rest: object = {}) => load(new Reminders(), eventsOf, rest);
const ids = (rows: readonly { id: number }[]) => rows.map(({ id }) => id);

describe('reminders', () => {
  test('are sorted by due time, and an event applied twice changes nothing', () => {
    const { store, event } = loaded({ reminders: [reminder(5), reminder(2)] });
    event({ kind: 'reminder_changed', reminder: reminder(9, { due_at: later(3) }) });
    event({ kind: 'reminder_changed', reminder: reminder(9, { due_at: later(3) }) });
    expect(ids(store.all.value)).toEqual([2, 9, 5]);
    event({ kind: 'reminder_removed', id: 2 });
    event({ kind: 'reminder_removed', id: 2 });
    expect(ids(store.all.value)).toEqual([9, 5]);
  });

  test('that failed are counted until they are retried', () => {
    const { store, event } = loaded({ reminders: [reminder(1)] });
    event({ kind: 'reminder_changed', reminder: reminder(1, { attempt_count: 1, last_error: 'disk full' }) });
    expect(store.failures.value).toBe(1);
    expect(store.all.value[0]?.last_error).toBe('disk full');
    event({ kind: 'reminder_changed', reminder: reminder(1) });
    expect(store.failures.value).toBe(0);
  });

  test('are failed for good after the last attempt', () => {
    expect(
      [0, 1, ATTEMPTS - 1, ATTEMPTS].map((attempt_count) => [
        failed(reminder(1, { attempt_count })),
        givenUp(reminder(1, { attempt_count })),
      ]),
    ).toEqual([
      [false, false],
      [true, false],
      [true, false],
      [true, true],
    ]);
  });

  test('by the ten thousand cost as much per event as a few', () => {
    const { store, event } = loaded({ reminders: Array.from({ length: 50_000 }, (_, i) => reminder(i + 1)) });
    // The table builds its list from these.
    const rebuilt = vi.spyOn(Map.prototype, 'values');
    try {
      for (let id = 1; id <= 10_000; id++) event({ kind: 'reminder_removed', id });
      expect(rebuilt).toHaveBeenCalledTimes(0);
      expect([store.all.value.length, store.failures.value]).toEqual([40_000, 0]);
      expect(rebuilt).toHaveBeenCalledTimes(1);
    } finally {
      rebuilt.mockRestore();
    }
  });
});
