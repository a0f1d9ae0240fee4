import { signal } from '@preact/signals';
import { api } from '../../api/client';
import type { Waiting } from '../../api/types';
import { type Action, together } from '../../ui/action';
import type { Wired } from '../../ui/labels';

const at = (key: string) => ({ params: { path: { key } } });

/** The name of a row after the words of an action. */
export const nameOf = ({ key, agent }: Pick<Waiting, 'key' | 'agent'>): string =>
  agent == null || key.includes(agent) ? key : `${key} of ${agent}`;

/** Puts a row off until an instant; taken back, it comes back. */
export function snoozeUntil(row: Waiting, label: Wired, until: Date): Action {
  return {
    id: 'snooze',
    label,
    of: nameOf(row),
    run: () => api.POST('/api/waiting/{key}/snooze', { ...at(row.key), body: { until_at: until.toISOString() } }),
    undo: () => api.POST('/api/waiting/{key}/unsnooze', at(row.key)),
  };
}

/** The same with several. */
export function snoozeAll(rows: readonly Waiting[], of: string, label: Wired, until: Date): Action {
  const [first, ...others] = rows.map((row) => snoozeUntil(row, label, until));
  // The page asks for it with two rows or more.
  return together(of, [first as Action, ...others]);
}

export const unsnooze = (row: Waiting): Action => ({
  id: 'unsnooze',
  label: '▶ B4CK N0W',
  of: nameOf(row),
  key: 'later',
  run: () => api.POST('/api/waiting/{key}/unsnooze', at(row.key)),
});

/** Marks what needs no decision as seen. */
export const see = (row: Pick<Waiting, 'key' | 'agent'>): Action => ({
  id: 'see',
  label: '✓ S33N',
  of: nameOf(row),
  key: 'done',
  run: () => api.POST('/api/waiting/{key}/seen', at(row.key)),
  undo: () => api.POST('/api/waiting/{key}/unseen', at(row.key)),
});

/** Tomorrow at nine, in the operator's time zone. */
export function tomorrow(now: Date): Date {
  const next = new Date(now);
  next.setDate(next.getDate() + 1);
  next.setHours(9, 0, 0, 0);
  return next;
}

/** The row for which the operator chooses a time of his own; null while the dialog is closed. */
export const choosing = signal<((label: Wired, until: Date) => void) | null>(null);

/** The lines of the menu of a row that is put off. */
export function snoozeChoices(of: string, put: (label: Wired, until: Date) => unknown): Action[] {
  const line = (id: string, label: Wired, until: () => Date): Action => ({
    id,
    label,
    of,
    run: async () => put(label, until()),
  });
  return [
    line('10-minutes', '◷ 10 M1NUT3S', () => new Date(Date.now() + 10 * 60_000)),
    line('hour', '◷ 1 H0UR', () => new Date(Date.now() + 3_600_000)),
    line('tomorrow', '◷ T0M0RR0W', () => tomorrow(new Date())),
    {
      id: 'own',
      label: '◷ 0WN T1M3',
      of,
      run: async () => {
        choosing.value = put;
      },
    },
  ];
}
