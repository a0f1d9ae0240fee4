import type { Reminder } from '../../api/types';

/** After so many failed attempts the host leaves a reminder alone until the operator acts. */
export const ATTEMPTS = 5;

export const failed = (reminder: Reminder): boolean => reminder.attempt_count > 0;
export const givenUp = (reminder: Reminder): boolean => reminder.attempt_count >= ATTEMPTS;

/** The next one due first; those that failed are overdue, so they come before what is still ahead. Instants of the host are written so that their text has their order. */
export const byDue = (a: Reminder, b: Reminder): number =>
  a.due_at < b.due_at ? -1 : a.due_at > b.due_at ? 1 : a.id - b.id;
