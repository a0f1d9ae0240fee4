import type { Handlers } from '../../stream/picture';
import type { Budgets } from './budgets-store';
import type { EndedTurns } from './store';

export function eventsOf(turns: EndedTurns, budgets: Budgets): Handlers {
  return {
    turn_ended: ({ turn }) => turns.put(turn),
    budget_changed: ({ budget }) => budgets.put(budget),
    budget_removed: ({ id }) => budgets.remove(id),
  };
}
