import type { Feature } from '../../ui/feature';
import { goTo } from '../../ui/goto';
import { revivals } from '../tombstones';
import { colouring } from './colouring';
import { eventsOf } from './events';
import { diffPanel } from './panel';
import { approvals } from './store';
import './section.css';

export { whatIsAsked } from './approval';
export { approvals } from './store';

// Kept state shows a request for its revival without knowing approvals.
revivals.value = (name) => {
  const asked = approvals.open.value.find(({ kind, agent }) => kind === 'spawn' && agent === name);
  return asked === undefined ? null : { show: () => goTo(`[data-approval="${asked.id}"]`) };
};

export { ApprovalsSection } from './section';
export { approve, deny } from './waiting';

export const feature: Feature = {
  name: 'approvals',
  store: { snapshot: (snapshot) => approvals.snapshot(snapshot), events: eventsOf(approvals) },
  panels: { diff: diffPanel },
  parts: [colouring],
};
