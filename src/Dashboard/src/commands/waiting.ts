import { kindName, waiting } from '../features/waiting';
import { go } from '../ui/link';
import { type CommandSource, waitingKind } from '../ui/registry';

/** How many waiting things are offered; more are found on their place. */
const MOST = 200;

/** The things that wait for the operator. */
export const source: CommandSource = {
  order: 20,
  entries: () =>
    waiting.shown.value.slice(0, MOST).map((row) => ({
      id: `waiting ${row.key}`,
      title: `${row.agent ?? 'Hive'} ${waitingKind(row.kind)?.does?.(row) ?? kindName(row)}: ${row.title}`,
      group: 'waits for you',
      run: () => go(`/waiting/${encodeURIComponent(row.key)}`),
    })),
};
