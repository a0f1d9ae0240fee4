import type { Waiting } from '../../api/types';
import { nextOf } from './filter';

/** Where the operator is in the list. */
export interface At {
  /** The selected row; null where none is, or where the list is not shown any more. */
  key: string | null;
  rows: readonly Waiting[];
  /** Where the selected row was, once it has gone. */
  was: number;
}

/**
 * The row that is selected after a decision on another one; null for none. Undefined where the operator stays: at
 * another row, in another place, or because everything else is decided and what is held can be sent by its key.
 */
export function stepAfter(
  from: string,
  { key, rows, was }: At,
  isDecided: (key: string) => boolean,
): Waiting | null | undefined {
  if (key !== from) return undefined;
  const next = nextOf(rows, from, was, (row) => isDecided(row.key));
  return next === null && rows.some((row) => row.key === from) ? undefined : next;
}
