import type { Feature } from '../../ui/feature';
import { eventsOf } from './events';
import { ContainersSection, DeployedBadge } from './section';
import { containers } from './store';
import './section.css';

export { Pending, StateBadge } from './state';
export { containers } from './store';
export { Verbs } from './verbs';

export const feature: Feature = {
  name: 'containers',
  store: { snapshot: (snapshot) => containers.snapshot(snapshot), events: eventsOf(containers) },
  sections: [{ column: 'list', order: 10, view: ContainersSection }],
  agentBadges: [{ order: 20, view: DeployedBadge }],
};
