import type { Reminder } from '../api/types';

/** After so many failed attempts the host leaves a reminder alone until the operator acts. */
export const ATTEMPTS = 5;

export const failed = (reminder: Reminder): boolean => reminder.attempt_count > 0;
export const givenUp = (reminder: Reminder): boolean => reminder.attempt_count >= ATTEMPTS;

const instant = (at: string): number => Date.parse(at);

/** The next one due first. Those that failed are overdue, so they come before what is still ahead. */
export const byDue = (a: Reminder, b: Reminder): number => instant(a.due_at) - instant(b.due_at) || a.id - b.id;
