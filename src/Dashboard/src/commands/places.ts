import { LABELS } from '../ui/labels';
import { go } from '../ui/link';
import { type CommandSource, places } from '../ui/registry';

/** Every place of the navigation. */
export const source: CommandSource = {
  order: 10,
  entries: () =>
    places.value
      .toSorted((a, b) => (a.nav?.order ?? 0) - (b.nav?.order ?? 0))
      .flatMap(({ nav, words }) =>
        nav === undefined
          ? []
          : [
              {
                id: `place ${nav.to}`,
                title: LABELS[nav.label],
                label: nav.label,
                group: 'place',
                ...(words === undefined ? {} : { words }),
                key: nav.key,
                run: () => go(nav.to),
              },
            ],
      ),
};
