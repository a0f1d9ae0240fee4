import { h } from 'preact';
import { ChangesCount } from '../features/approvals';
import { Part } from '../ui/part';
import type { Place } from '../ui/registry';

export const place: Place = {
  address: '/changes/:id?',
  title: ({ id }) => (id === undefined ? 'changes' : `change ${id}`),
  nav: {
    order: 50,
    to: '/changes',
    label: 'CH4NG3S',
    key: 'go-changes',
    glyph: '±',
    count: () => h(ChangesCount, {}),
  },
  view: new Part(async () => (await import('../features/approvals/page')).ChangesPage),
};
