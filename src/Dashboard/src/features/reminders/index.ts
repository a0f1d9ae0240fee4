import type { Feature } from '../../ui/feature';
import { ReminderBadge } from './badge';
import { eventsOf } from './events';
import { RemindersSection } from './section';
import { reminders } from './store';
import './section.css';

export { reminders } from './store';

export const feature: Feature = {
  name: 'reminders',
  store: { snapshot: (snapshot) => reminders.snapshot(snapshot), events: eventsOf(reminders) },
  sections: [{ column: 'list', order: 80, view: RemindersSection }],
  agentBadges: [{ order: 10, view: ReminderBadge }],
};
