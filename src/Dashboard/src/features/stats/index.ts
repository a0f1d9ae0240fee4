import type { Feature } from '../../ui/feature';
import { drawing } from './drawing';
import { eventsOf } from './events';
import { StatsPage } from './page';
import { turns } from './store';
import './section.css';

export { Charts } from './charts';
export {
  costText,
  type Figures,
  inputOf,
  mergedTurns,
  resultWords,
  toolsText,
  totalsOf,
  turnWords,
} from './figures';
export { turns } from './store';
export { chooseWindow, shownWindow, useStatistics } from './use';
export { Windows } from './windows';

export const feature: Feature = {
  name: 'stats',
  store: { events: eventsOf(turns) },
  places: [
    {
      match: (path) => (path === '/stats' ? '' : null),
      title: () => 'statistics',
      nav: { order: 20, to: '/stats', label: 'ST4TS', plain: 'Statistics' },
      view: StatsPage,
    },
  ],
  parts: [drawing],
};
