import type { Reminder } from '../../api/types';

/** The failed attempts after which the host leaves a reminder alone until the operator acts. */
export const ATTEMPTS = 5;

export const failed = (reminder: Reminder): boolean => reminder.attempt_count > 0;
export const givenUp = (reminder: Reminder): boolean => reminder.attempt_count >= ATTEMPTS;

/** The next one due first; failed ones are overdue and come before the others. The host's instants sort as text. */
export const byDue = (a: Reminder, b: Reminder): number =>
  a.due_at < b.due_at ? -1 : a.due_at > b.due_at ? 1 : a.id - b.id;
