import type { Feature } from '../../ui/feature';
import { ForgeBadge } from './badge';
import { eventsOf } from './events';
import { forge } from './store';
import './section.css';

export { ForgeSection } from './section';

export { sync } from './waiting';

export const feature: Feature = {
  name: 'forge',
  store: { snapshot: (snapshot) => forge.snapshot(snapshot), events: eventsOf(forge) },
  agentBadges: [{ order: 30, view: ForgeBadge }],
};
