import type { Preferences, Waiting } from '../../api/types';
import type { WaitingKind } from '../../ui/registry';

/** How the operator is told of a thing that waits. */
export type Level = 'notify' | 'count' | 'silent';

/** How the operator wants to be told of a thing: by its kind, else by its urgency. */
export const levelOf = (
  { kind, urgency }: Pick<Waiting, 'kind' | 'urgency'>,
  { notify, notify_kinds }: Pick<Preferences, 'notify' | 'notify_kinds'>,
): Level => notify_kinds[kind] ?? (notify as Readonly<Record<string, Level>>)[urgency] ?? 'silent';

/** The choices for a kind; null leaves it to the urgency of each thing. */
export const LEVELS: readonly (readonly [Level | null, string])[] = [
  [null, 'as its urgency'],
  ['notify', 'notify'],
  ['count', 'count'],
  ['silent', 'stay silent'],
];

/**
 * Every kind of thing that can wait, by name: those that this page knows, those that wait now, and those that the
 * operator has chosen for. A kind that is only shown beside what waits is not told at all.
 */
export function kindsOf(
  known: readonly Pick<WaitingKind, 'kind' | 'name' | 'beside'>[],
  rows: readonly Pick<Waiting, 'kind'>[],
  chosen: Preferences['notify_kinds'],
): { kind: string; name: string }[] {
  const names = new Map(known.flatMap(({ kind, name, beside }) => (beside === undefined ? [[kind, name]] : [])));
  for (const kind of [...rows.map((row) => row.kind), ...Object.keys(chosen)])
    if (!names.has(kind)) names.set(kind, kind.replaceAll('_', ' '));
  return [...names].map(([kind, name]) => ({ kind, name })).toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
}
