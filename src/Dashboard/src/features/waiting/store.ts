import { computed, signal } from '@preact/signals';
import type { Snapshot, Waiting } from '../../api/types';
import { preferences } from '../../ui/preferences';
import { levelOf } from './levels';

const ORDER: Record<string, number> = { now: 0, soon: 1, fyi: 2 };

/** The most urgent first; then the nearest deadline, then the longest wait. The host sorts the same way. */
export function byUrgency(a: Waiting, b: Waiting): number {
  const urgency = rankOf(a) - rankOf(b);
  if (urgency !== 0) return urgency;
  const [x, y] = [a.deadline_at ?? '~', b.deadline_at ?? '~'];
  if (x !== y) return x < y ? -1 : 1;
  if (a.since_at !== b.since_at) return a.since_at < b.since_at ? -1 : 1;
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
}

export const isSnoozed = (row: Waiting): boolean => row.snoozed_until_at != null;

/** Whether the navigation and the command line count it. */
export const counts = (row: Waiting): boolean => row.urgency !== 'fyi' && !isSnoozed(row);

/** The things that wait for the operator, as the host lists them. */
export class WaitingRows {
  readonly #rows = new Map<string, Waiting>();
  readonly #changes = signal(0);
  /** False until the first snapshot. */
  readonly loaded = signal(false);
  /** The most urgent first, snoozed ones included. */
  readonly all = computed<readonly Waiting[]>(() => {
    void this.#changes.value;
    return [...this.#rows.values()].sort(byUrgency);
  });
  /** The rows that are shown where nothing is filtered. */
  readonly shown = computed(() => this.all.value.filter((row) => !isSnoozed(row)));
  readonly count = computed(() => this.all.value.filter(counts).length);
  /** The number in the tab's title; its icon has a dot for it. Things that the operator silenced are left out. */
  readonly badge = computed(
    () => this.all.value.filter((row) => !isSnoozed(row) && levelOf(row, preferences.value) !== 'silent').length,
  );

  /** Called with rows that have begun to wait since the page was loaded, have come back, or have become more urgent. */
  onNew: (rows: readonly Waiting[]) => void = () => {};
  /** Called with keys that wait no longer. */
  onGone: (keys: readonly string[]) => void = () => {};

  get(key: string): Waiting | undefined {
    void this.#changes.value;
    return this.#rows.get(key);
  }

  snapshot({ waiting }: Pick<Snapshot, 'waiting'>): void {
    const before = new Map(this.#rows);
    this.#rows.clear();
    for (const row of waiting) this.#rows.set(row.key, row);
    this.#changes.value++;
    const first = !this.loaded.peek();
    this.loaded.value = true;
    if (first) return;
    const added = waiting.filter((row) => isNew(before.get(row.key), row));
    if (added.length > 0) this.onNew(added);
    const gone = [...before.keys()].filter((key) => !this.#rows.has(key));
    if (gone.length > 0) this.onGone(gone);
  }

  put(row: Waiting): void {
    const before = this.#rows.get(row.key);
    this.#rows.set(row.key, row);
    this.#changes.value++;
    if (isNew(before, row)) this.onNew([row]);
    else if (isSnoozed(row)) this.onGone([row.key]);
  }

  remove(key: string): void {
    if (!this.#rows.delete(key)) return;
    this.#changes.value++;
    this.onGone([key]);
  }
}

const rankOf = ({ urgency }: Waiting): number => ORDER[urgency] ?? 3;

/** Whether the operator has not been told of it: it was not there, was snoozed, or has become more urgent. */
const isNew = (before: Waiting | undefined, row: Waiting): boolean =>
  !isSnoozed(row) && (before === undefined || isSnoozed(before) || rankOf(row) < rankOf(before));

export const waiting = new WaitingRows();
