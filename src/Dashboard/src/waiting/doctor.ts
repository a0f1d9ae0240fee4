import { checkAgain } from '../features/system';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'doctor',
  name: 'doctor',
  actions: ({ id }) => [checkAgain(id)],
};
