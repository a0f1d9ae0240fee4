import type { Feature } from '../../ui/feature';
import { eventsOf } from './events';
import { DeployedBadge } from './section';
import { containers } from './store';
import './section.css';

export { ContainersSection } from './section';
export { Pending, StateBadge } from './state';
export { containers } from './store';
export { Verbs } from './verbs';

export const feature: Feature = {
  name: 'containers',
  store: { snapshot: (snapshot) => containers.snapshot(snapshot), events: eventsOf(containers) },
  agentBadges: [{ order: 20, view: DeployedBadge }],
};
