import { Part } from '../ui/part';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'login',
  name: 'login',
  does: () => 'needs a login',
  view: new Part(async () => (await import('../features/agent/waiting-login')).LoginDetail),
};
