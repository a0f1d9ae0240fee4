import type { Preferences } from '../api/types';
import { kindsOf, LEVELS, waiting } from '../features/waiting';
import { changePreferences } from '../ui/change-preferences';
import { press } from '../ui/keys';
import { go } from '../ui/link';
import { preferences } from '../ui/preferences';
import { type Command, type CommandSource, type Step, waitingKinds } from '../ui/registry';

const one = (title: string, changed: () => Partial<Preferences>): Command => ({
  id: title.toLowerCase(),
  title,
  group: 'settings',
  run: () => changePreferences(changed()),
});

/** How to be told of which kind. */
const whichKind = (): Step => ({
  title: 'How to be told of which kind?',
  entries: () => {
    const { notify_kinds } = preferences.peek();
    return kindsOf(waitingKinds.value, waiting.all.value, notify_kinds).map(({ kind, name }) => ({
      id: `kind ${kind}`,
      title: name,
      group: notify_kinds[kind] ?? 'as its urgency',
      asks: () => ({
        title: `How to be told of: ${name}?`,
        entries: () =>
          LEVELS.map(([level, text]) => ({
            id: `kind ${kind} ${text}`,
            title: text,
            group: 'settings',
            run: () => changePreferences({ notify_kinds: { [kind]: level } }),
          })),
      }),
    }));
  },
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
    { id: 'notifications of a kind', title: 'Notifications of a kind', group: 'settings', asks: whichKind },
    ...[true, false].map((sound) => one(`Sound: ${sound ? 'on' : 'off'}`, () => ({ sound }))),
  ],
};
