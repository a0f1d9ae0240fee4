import { cancel, pending } from '../features/reminders';
import { Part } from '../ui/part';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'reminder',
  name: 'reminder',
  does: () => 'is reminded',
  view: new Part(async () => (await import('../features/reminders/waiting-reminder')).ReminderDetail),
  actions: ({ id, agent }) => [cancel(Number(id), agent ?? '')],
  beside: {
    name: 'reminders',
    order: 30,
    label: 'reminders',
    rows: pending,
    empty: 'No pending reminders. An agent sets one for itself with the tool “remind”.',
  },
};
