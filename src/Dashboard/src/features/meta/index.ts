import type { Feature } from '../../ui/feature';
import { eventsOf } from './events';
import { MetaSection } from './section';
import { metaInputs } from './store';
import './section.css';

export const feature: Feature = {
  name: 'meta',
  store: { snapshot: (snapshot) => metaInputs.snapshot(snapshot), events: eventsOf(metaInputs) },
  sections: [{ column: 'list', order: 30, view: MetaSection }],
};
