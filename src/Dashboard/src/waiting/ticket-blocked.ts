import { namedBy, unblock } from '../features/board';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'ticket_blocked',
  name: 'blocked ticket',
  does: () => 'A ticket is blocked',
  actions: (row) => [{ ...unblock(namedBy(row)), key: 'approve' }],
};
