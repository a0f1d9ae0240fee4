import { h } from 'preact';
import { SystemMark } from '../features/waiting';
import { Part } from '../ui/part';
import type { Place } from '../ui/registry';

export const place: Place = {
  address: '/system',
  title: () => 'system',
  nav: { order: 70, to: '/system', label: 'SYST3M', key: 'go-system', glyph: '⚙', count: () => h(SystemMark, {}) },
  view: new Part(async () => (await import('../features/system/page')).SystemPage),
};
