import type { Handlers } from '../../stream/picture';
import type { Reminders } from './store';

export function eventsOf(reminders: Reminders): Handlers {
  return {
    reminder_changed: ({ reminder }) => reminders.put(reminder),
    reminder_removed: ({ id }) => reminders.remove(id),
  };
}
