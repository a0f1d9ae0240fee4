import { signal } from '@preact/signals';

/** The refusals of decisions, by approval. They outlive the card: somebody else may have decided first. */
export const refusals = signal<ReadonlyMap<number, string>>(new Map());

export function refuse(id: number, error: string | null): void {
  if (error === null && !refusals.value.has(id)) return;
  const changed = new Map(refusals.value);
  if (error === null) changed.delete(id);
  else changed.set(id, error);
  refusals.value = changed;
}
