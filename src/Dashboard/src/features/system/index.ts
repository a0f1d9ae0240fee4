import type { Feature } from '../../ui/feature';
import { eventsOf } from './events';
import { hook } from './store';
import './section.css';

export { checkAgain, checkDisk } from './actions';

export const feature: Feature = {
  name: 'system',
  store: { snapshot: (snapshot) => hook.snapshot(snapshot), events: eventsOf(hook) },
};
