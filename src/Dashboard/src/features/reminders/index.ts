import type { Feature } from '../../ui/feature';
import { ReminderBadge } from './badge';
import { eventsOf } from './events';
import { reminders } from './store';
import './section.css';

export { cancel, retry } from './actions';
export { pending } from './beside';
export { reminders } from './store';

export const feature: Feature = {
  name: 'reminders',
  store: { snapshot: (snapshot) => reminders.snapshot(snapshot), events: eventsOf(reminders) },
  agentBadges: [{ order: 10, view: ReminderBadge }],
};
