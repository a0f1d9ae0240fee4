import type { Feature } from '../../ui/feature';
import { eventsOf } from './events';
import { locks } from './store';
import './section.css';

export { LocksSection } from './section';

export const feature: Feature = {
  name: 'locks',
  store: { snapshot: (snapshot) => locks.snapshot(snapshot), events: eventsOf(locks) },
};
