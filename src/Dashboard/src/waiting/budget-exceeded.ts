import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'budget_exceeded',
  name: 'used up budget',
  does: () => 'A budget is used up',
};
