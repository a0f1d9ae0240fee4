import type { Feature } from '../../ui/feature';
import { budgets } from './budgets-store';
import { drawing } from './drawing';
import { eventsOf } from './events';
import { turns } from './store';
import { CostFigure } from './today';
import './section.css';

export { amountOf, budgets, spentOf } from './budgets-store';
export { Charts } from './charts';
export type { Window } from './figures';
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
export { Prices } from './prices';
export { turns } from './store';
export { chooseWindow, shownWindow, useStatistics } from './use';
export { Windows } from './windows';

export const feature: Feature = {
  name: 'stats',
  store: { snapshot: (snapshot) => budgets.snapshot(snapshot), events: eventsOf(turns, budgets) },
  topBar: [{ order: 20, view: CostFigure }],
  parts: [drawing],
};
