import { verbAction } from '../features/containers';
import { Part } from '../ui/part';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'crash',
  name: 'crash',
  does: () => 'crashed',
  view: new Part(async () => (await import('../features/containers/waiting-crash')).CrashDetail),
  actions: ({ agent }) =>
    agent == null ? [] : [{ ...verbAction('start', { name: agent }), key: 'approve', weight: 'primary' }],
};
