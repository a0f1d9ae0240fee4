import { Part } from '../ui/part';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'idle_agent',
  name: 'no driver',
  does: () => 'has messages, and no driver that could read them',
  view: new Part(async () => (await import('../features/containers/waiting-idle')).IdleDetail),
};
