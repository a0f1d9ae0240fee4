import { computed } from '@preact/signals';
import { approvals } from '../approvals';
import { questions } from '../questions';
import { reminders } from '../reminders';
import { looseEnds } from './ends';

/** The loose ends of all agents, by agent. */
export const ends = computed(() => looseEnds(questions.pending.value, reminders.all.value, approvals.open.value));
