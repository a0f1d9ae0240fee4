import { Part } from '../ui/part';
import type { Place } from '../ui/registry';

export const place: Place = {
  address: '/board',
  title: () => 'board',
  nav: { order: 35, to: '/board', label: 'B04RD', key: 'go-board', glyph: '▤', bar: true },
  words: 'tickets tasks columns',
  view: new Part(async () => (await import('../features/board/page')).BoardPage),
};
