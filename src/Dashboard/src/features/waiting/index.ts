import type { Feature } from '../../ui/feature';
import { eventsOf } from './events';
import { waiting } from './store';
import './section.css';

export { kindName, Mark, WaitingCount as waitingCount, When } from './row';
export { see } from './snooze';
export { isSnoozed, waiting } from './store';

export const feature: Feature = {
  name: 'waiting',
  store: { snapshot: (snapshot) => waiting.snapshot(snapshot), events: eventsOf(waiting) },
  waiting: waiting.count,
};
