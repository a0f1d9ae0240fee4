import type { Waiting } from '../api/types';
import { kindName, nameOf, snoozeChoices, snoozeUntil, waiting } from '../features/waiting';
import { perform } from '../ui/action';
import { LABELS } from '../ui/labels';
import { go } from '../ui/link';
import { type Command, type CommandSource, type Step, waitingKind } from '../ui/registry';

/** How many waiting things are offered; more are found on their place. */
const MOST = 200;

const rows = (then: (row: Waiting) => Pick<Command, 'run' | 'asks'>): Command[] =>
  waiting.shown.value.slice(0, MOST).map((row) => ({
    id: `waiting ${row.key}`,
    title: `${row.agent ?? 'Hive'} ${waitingKind(row.kind)?.does?.(row) ?? kindName(row)}: ${row.title}`,
    group: 'your call',
    found: true,
    ...then(row),
  }));

/** Until when; a time of the operator's own is asked for where the thing is shown. */
const untilWhen = (row: Waiting): Step => ({
  title: `Snooze ${nameOf(row)} until when?`,
  entries: () =>
    snoozeChoices(nameOf(row), (label, until) => perform(snoozeUntil(row, label, until)))
      .filter(({ id }) => id !== 'own')
      .map(({ id, label, run }) => ({ id: `snooze ${id}`, title: LABELS[label], label, group: '', run })),
});

/** The things that wait for the operator. */
export const source: CommandSource = {
  order: 20,
  entries: () => [
    ...rows((row) => ({ run: () => go(`/waiting/${encodeURIComponent(row.key)}`) })),
    {
      id: 'snooze',
      title: 'Snooze something that waits',
      words: 'later put off postpone',
      group: 'your call',
      asks: () => ({ title: 'Snooze what?', entries: () => rows((row) => ({ asks: () => untilWhen(row) })) }),
    },
  ],
};
