import type { Waiting } from '../../api/types';
import type { BesideWaiting } from '../../ui/registry';
import { isSnoozed } from './store';

/** The address's filter. */
export interface Filter {
  /** A list beside what waits, or `snoozed`; null for what waits. */
  show: string | null;
  urgency: string | null;
  kind: string | null;
  agent: string | null;
  /** Words that a row's title, detail, agent or kind contains; text, never syntax. */
  words: string;
}

export const filterIn = (query: URLSearchParams): Filter => ({
  show: query.get('show'),
  urgency: query.get('urgency'),
  kind: query.get('kind'),
  agent: query.get('agent'),
  words: query.get('q') ?? '',
});

/** The rows of the list that the filter shows, before it narrows them. */
export function listOf(
  { show }: Pick<Filter, 'show'>,
  waiting: readonly Waiting[],
  beside: readonly BesideWaiting[],
): readonly Waiting[] {
  if (show === 'snoozed') return waiting.filter(isSnoozed);
  const other = beside.find(({ name }) => name === show);
  return other === undefined ? waiting.filter((row) => !isSnoozed(row)) : other.rows();
}

/** Narrows rows. */
export function narrowed(rows: readonly Waiting[], { urgency, kind, agent, words }: Filter): readonly Waiting[] {
  const text = words.trim().toLowerCase();
  return rows.filter(
    (row) =>
      (urgency === null || row.urgency === urgency) &&
      (kind === null || row.kind === kind) &&
      (agent === null || row.agent === agent) &&
      (text === '' ||
        `${row.agent ?? ''}\n${row.kind}\n${row.title}\n${row.detail ?? ''}`.toLowerCase().includes(text)),
  );
}

/**
 * The row on which the list goes on after one: the next that is not skipped, else the one before it. <was>: where the
 * row was, once it has gone.
 */
export function nextOf(
  rows: readonly Waiting[],
  key: string,
  was: number,
  skipped: (row: Waiting) => boolean,
): Waiting | null {
  const found = rows.findIndex((row) => row.key === key);
  const at = found < 0 ? was : found;
  const left = (row: Waiting) => row.key !== key && !skipped(row);
  return rows.slice(at).find(left) ?? rows.slice(0, at).findLast(left) ?? null;
}
