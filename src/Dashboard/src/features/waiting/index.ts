import type { Feature } from '../../ui/feature';
import { eventsOf } from './events';
import { waiting } from './store';
import { tellOf } from './tell-of';
import './section.css';

export { kindsOf, LEVELS } from './levels';
export { kindName, Mark, SystemMark, WaitingCount as waitingCount, When } from './row';
export { nameOf, see, snoozeChoices, snoozeUntil } from './snooze';
export { isSnoozed, waiting } from './store';

tellOf(waiting);

export const feature: Feature = {
  name: 'waiting',
  store: { snapshot: (snapshot) => waiting.snapshot(snapshot), events: eventsOf(waiting) },
  waiting: waiting.badge,
};
