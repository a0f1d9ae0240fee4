import { HomePage } from '../features/home/page';
import type { Place } from '../ui/registry';

export const place: Place = {
  address: '/',
  title: () => '',
  nav: { order: 10, to: '/', label: 'H0M3', key: 'go-home', glyph: '⌂', bar: true },
  view: HomePage,
};
