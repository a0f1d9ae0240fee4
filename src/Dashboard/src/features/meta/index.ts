import type { Feature } from '../../ui/feature';
import { eventsOf } from './events';
import { metaInputs } from './store';
import './section.css';

export { MetaSection } from './section';

export const feature: Feature = {
  name: 'meta',
  store: { snapshot: (snapshot) => metaInputs.snapshot(snapshot), events: eventsOf(metaInputs) },
};
