import { approveTicket, namedBy, rejectTicket } from '../features/board';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'ticket_approval',
  name: 'new ticket',
  does: ({ agent }) => (agent == null ? 'A ticket needs your approval' : 'made a ticket that needs your approval'),
  draft: ({ id }) => `reject:${id}`,
  actions: (row) => [approveTicket(namedBy(row))],
  withText: (row) => [rejectTicket(namedBy(row))],
};
