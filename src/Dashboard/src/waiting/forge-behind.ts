import { sync } from '../features/forge';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'forge_behind',
  name: 'forge',
  does: () => 'The forge is behind',
  actions: () => [sync()],
};
