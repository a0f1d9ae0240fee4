import type { Feature } from '../../ui/feature';
import { ForgeBadge } from './badge';
import { eventsOf } from './events';
import { ForgeSection } from './section';
import { forge } from './store';
import './section.css';

export const feature: Feature = {
  name: 'forge',
  store: { snapshot: (snapshot) => forge.snapshot(snapshot), events: eventsOf(forge) },
  sections: [{ column: 'list', order: 40, view: ForgeSection }],
  agentBadges: [{ order: 30, view: ForgeBadge }],
};
