import { checkDisk } from '../features/system';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = { kind: 'disk', name: 'disk', actions: () => [checkDisk()] };
