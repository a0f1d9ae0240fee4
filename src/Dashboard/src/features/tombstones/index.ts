import type { Feature } from '../../ui/feature';
import { eventsOf } from './events';
import { tombstones } from './store';
import './section.css';

export { TombstonesSection } from './section';
export { tombstones } from './store';

export const feature: Feature = {
  name: 'tombstones',
  store: { snapshot: (snapshot) => tombstones.snapshot(snapshot), events: eventsOf(tombstones) },
};
