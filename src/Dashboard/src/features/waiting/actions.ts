import type { Waiting } from '../../api/types';
import { type Action, together } from '../../ui/action';
import { type WithText, waitingKind } from '../../ui/registry';
import { see, unsnooze } from './snooze';
import { isSnoozed, waiting } from './store';

/** The actions that are done to a row at once. */
export function actionsOf(row: Waiting): readonly Action[] {
  const own = waitingKind(row.kind)?.actions?.(row) ?? [];
  if (waiting.get(row.key) === undefined) return own;
  const seen = row.can_be_put_aside === true && !own.some(({ key }) => key === 'done') ? [see(row)] : [];
  return [...own, ...seen, ...(isSnoozed(row) ? [unsnooze(row)] : [])];
}

/** The actions on a row that take a text. */
export const textsOf = (row: Waiting): readonly WithText[] => waitingKind(row.kind)?.withText?.(row) ?? [];

/** Whether a row can be put off. */
export const canSnooze = (row: Waiting): boolean => waiting.get(row.key) !== undefined && !isSnoozed(row);

/** Of what can be done with each of some rows, what can be done with all of them. */
function common<T extends { label: string }>(all: readonly (readonly T[])[]): (readonly [T, ...T[]])[] {
  const [first = [], ...others] = all;
  return first.flatMap((one) => {
    const same = others.flatMap((of) => of.find(({ label }) => label === one.label) ?? []);
    return same.length === others.length ? [[one, ...same] as const] : [];
  });
}

/** Without what goes with the text of this thing alone. */
const alone = ({ along: _, bodyOf: __, ...one }: WithText): WithText => one;

/** The actions on several rows at once. */
export function togetherOf(rows: readonly Waiting[], of: string): { actions: Action[]; texts: WithText[] } {
  return {
    actions: common(rows.map(actionsOf))
      .filter(([{ confirm }]) => confirm === undefined)
      .map((same) => {
        const { key, weight } = same[0];
        const all = together(of, same);
        return { ...all, ...(key === undefined ? {} : { key }), ...(weight === undefined ? {} : { weight }) };
      }),
    texts: common(rows.map(textsOf)).map((same) => ({
      ...alone(same[0]),
      of,
      // The text stays while things join the selection or leave it.
      target: `many ${same[0].id}`,
      reader: '*',
      action: (text) => {
        const [first, ...others] = same.map((one) => one.action(one.bodyOf?.(text) ?? text));
        // There is at least one row.
        return together(of, [first as Action, ...others]);
      },
    })),
  };
}
