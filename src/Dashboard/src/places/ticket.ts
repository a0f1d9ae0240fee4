import { Part } from '../ui/part';
import type { Place } from '../ui/registry';

export const place: Place = {
  address: '/tickets/:id',
  title: ({ id = '' }) => `ticket ${id}`,
  view: new Part(async () => (await import('../features/board/ticket/page')).TicketPage),
};
