import type { Feature } from '../../ui/feature';
import { Starred, WorkingFigure } from './aside';
import { eventsOf } from './events';
import { containers } from './store';
import './section.css';

export {
  actionsOf,
  cancelTurn,
  isMuted,
  isStarred,
  muteOrUnmute,
  pauseOrResume,
  showLog,
  starOrUnstar,
  verbAction,
} from './actions';
export { countsOf, SwarmCount } from './aside';
export { otherModel } from './model';
export { MutedMark } from './muted';
export { Pending, State } from './state';
export { containers } from './store';
export type { Verb } from './verb';
export { verbsOf, wantsUpdate } from './verb';

export const feature: Feature = {
  name: 'containers',
  store: { snapshot: (snapshot) => containers.snapshot(snapshot), events: eventsOf(containers) },
  topBar: [{ order: 10, view: WorkingFigure }],
  besideNav: [{ order: 10, view: Starred }],
};
