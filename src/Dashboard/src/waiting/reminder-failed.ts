import { cancel, retry } from '../features/reminders';
import { Part } from '../ui/part';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'reminder_failed',
  name: 'failed reminder',
  does: () => 'could not be reminded',
  view: new Part(async () => (await import('../features/reminders/waiting-reminder')).ReminderDetail),
  actions: ({ id, agent }) => [retry(Number(id), agent ?? ''), cancel(Number(id), agent ?? '')],
};
