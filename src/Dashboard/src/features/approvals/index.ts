import type { Feature } from '../../ui/feature';
import { Part } from '../../ui/part';
import { colouring } from './colouring';
import { eventsOf } from './events';
import { approvals } from './store';
import './section.css';

export { whatIsAsked } from './approval';
export { ChangesCount } from './count';
export { approvals } from './store';

export { approve, denialDraft, deny, proposeAgainOf } from './waiting';

export const feature: Feature = {
  name: 'approvals',
  store: { snapshot: (snapshot) => approvals.snapshot(snapshot), events: eventsOf(approvals) },
  panels: { diff: new Part(async () => (await import('./panel')).DiffPanel) },
  parts: [colouring],
};
