import { Part } from '../ui/part';
import type { Place } from '../ui/registry';

export const place: Place = {
  address: '/messages/:id?',
  title: ({ id }) => (id === undefined ? 'messages' : `message ${id}`),
  nav: { order: 40, to: '/messages', label: 'FL0W', key: 'go-messages', glyph: '⇄', bar: true },
  view: new Part(async () => (await import('../features/messages/page')).MessagesPage),
};
