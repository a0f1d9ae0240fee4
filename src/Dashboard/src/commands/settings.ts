import { changePreferences } from '../ui/change-preferences';
import { press } from '../ui/keys';
import type { CommandSource } from '../ui/registry';

/** What the settings offer, without going there. */
export const source: CommandSource = {
  order: 90,
  entries: () => [
    { id: 'keys', title: 'Show the map of keys', group: 'settings', key: 'keys', run: () => press('keys') },
    ...(['dark', 'light', 'system'] as const).map((theme) => ({
      id: `theme ${theme}`,
      title: `Theme: ${theme}`,
      group: 'settings',
      run: () => changePreferences({ theme }),
    })),
    ...(['wired', 'plain'] as const).map((labels) => ({
      id: `labels ${labels}`,
      title: `Labels: ${labels}`,
      group: 'settings',
      run: () => changePreferences({ labels, labels_chosen: true }),
    })),
    ...(['normal', 'compact'] as const).map((density) => ({
      id: `density ${density}`,
      title: `Rows: ${density}`,
      group: 'settings',
      run: () => changePreferences({ density }),
    })),
  ],
};
