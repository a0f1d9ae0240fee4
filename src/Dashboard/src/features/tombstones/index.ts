import type { Feature } from '../../ui/feature';
import { eventsOf } from './events';
import { TombstonesSection } from './section';
import { tombstones } from './store';

export { revivals, tombstones } from './store';

export const feature: Feature = {
  name: 'tombstones',
  store: { snapshot: (snapshot) => tombstones.snapshot(snapshot), events: eventsOf(tombstones) },
  sections: [{ column: 'list', order: 20, view: TombstonesSection }],
};
