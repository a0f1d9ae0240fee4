import { Part } from '../ui/part';
import type { Place } from '../ui/registry';

export const place: Place = {
  address: '/stats',
  title: () => 'statistics',
  nav: { order: 60, to: '/stats', label: 'ST4TS', key: 'go-stats', glyph: '▂' },
  view: new Part(async () => (await import('../features/stats/page')).StatsPage),
};
