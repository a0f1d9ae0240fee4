import type { Preferences } from '../api/types';
import { changePreferences } from '../ui/change-preferences';
import { press } from '../ui/keys';
import { go } from '../ui/link';
import { preferences } from '../ui/preferences';
import type { Command, CommandSource } from '../ui/registry';

const one = (title: string, changed: () => Partial<Preferences>): Command => ({
  id: title.toLowerCase(),
  title,
  group: 'settings',
  run: () => changePreferences(changed()),
});

/** Every setting, without going there. */
export const source: CommandSource = {
  order: 90,
  entries: () => [
    { id: 'keys', title: 'Show the map of keys', group: 'settings', key: 'keys', run: () => press('keys') },
    { id: 'change keys', title: 'Change keys', group: 'settings', run: () => go('/settings') },
    ...(['dark', 'light', 'system'] as const).map((theme) => one(`Theme: ${theme}`, () => ({ theme }))),
    ...(['wired', 'plain'] as const).map((labels) => one(`Labels: ${labels}`, () => ({ labels, labels_chosen: true }))),
    ...(['normal', 'compact'] as const).map((density) => one(`Rows: ${density}`, () => ({ density }))),
    ...[true, false].map((scanlines) => one(`Scanlines: ${scanlines ? 'on' : 'off'}`, () => ({ scanlines }))),
    ...[0, 5, 10].map((seconds) =>
      one(`Undo time: ${seconds === 0 ? 'none, send at once' : `${seconds} seconds`}`, () => ({
        undo_seconds: seconds,
      })),
    ),
    ...(['now', 'soon', 'fyi'] as const).flatMap((urgency) =>
      (['notify', 'count', 'silent'] as const).map((how) =>
        one(`Notifications of ${urgency}: ${how}`, () => ({
          notify: { ...preferences.peek().notify, [urgency]: how },
        })),
      ),
    ),
    ...[true, false].map((sound) => one(`Sound: ${sound ? 'on' : 'off'}`, () => ({ sound }))),
  ],
};
