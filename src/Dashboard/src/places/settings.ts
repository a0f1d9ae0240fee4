import { Part } from '../ui/part';
import type { Place } from '../ui/registry';

export const place: Place = {
  address: '/settings',
  title: () => 'settings',
  nav: { order: 80, to: '/settings', label: 'S3TT1NGS', key: 'go-settings', glyph: '≡' },
  view: new Part(async () => (await import('../features/settings/page')).SettingsPage),
};
