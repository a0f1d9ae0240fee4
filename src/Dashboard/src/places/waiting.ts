import { waitingCount } from '../features/waiting';
import { Part } from '../ui/part';
import type { Place } from '../ui/registry';

export const place: Place = {
  address: '/waiting/:key?',
  title: ({ key }) => (key === undefined ? 'your call' : `${key} · your call`),
  nav: {
    order: 20,
    to: '/waiting',
    label: 'Y3R C4LL',
    key: 'go-waiting',
    glyph: '!',
    bar: true,
    count: waitingCount,
  },
  view: new Part(async () => (await import('../features/waiting/page')).WaitingPage),
};
