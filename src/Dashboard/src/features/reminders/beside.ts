import type { Waiting } from '../../api/types';
import { reminders } from './store';

/** The pending reminders of agents, as rows of a list: the next one due first. */
export const pending = (): readonly Waiting[] =>
  reminders.all.value.map(({ id, agent, message, created_at, due_at, file_refs }) => ({
    key: `reminder-${id}`,
    kind: 'reminder',
    id: String(id),
    agent,
    title: message,
    since_at: created_at,
    deadline_at: due_at,
    urgency: 'fyi',
    refs: file_refs,
    url: `/waiting/reminder-${id}?show=reminders`,
  }));
