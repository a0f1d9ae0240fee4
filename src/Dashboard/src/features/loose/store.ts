import { computed } from '@preact/signals';
import { approvals } from '../approvals';
import { questions } from '../questions';
import { reminders } from '../reminders';
import { looseEnds } from './ends';

/** What each agent waits for or owes, by agent. */
export const ends = computed(() => looseEnds(questions.pending.value, reminders.all.value, approvals.open.value));
