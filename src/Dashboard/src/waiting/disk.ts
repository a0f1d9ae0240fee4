import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = { kind: 'disk', name: 'disk' };
