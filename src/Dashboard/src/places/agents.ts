import { h } from 'preact';
import { SwarmCount } from '../features/containers';
import { Part } from '../ui/part';
import type { Place } from '../ui/registry';

export const place: Place = {
  address: '/agents',
  title: () => 'agents',
  nav: {
    order: 30,
    to: '/agents',
    label: 'SW4RM',
    key: 'go-agents',
    glyph: '◉',
    count: () => h(SwarmCount, {}),
    bar: true,
  },
  view: new Part(async () => (await import('../features/roster/page')).AgentsPage),
};
