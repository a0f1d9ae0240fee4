import { signal } from '@preact/signals';
import type { Approval } from '../../api/types';

const KEY = 'hive.seen-failures';

/** The time is part of the name: another Hive at the same address counts from 1 too. */
const nameOf = ({ id, requested_at }: Approval): string => `${id}.${requested_at}`;

const seen = signal<readonly string[]>(stored());

export const isSeen = (approval: Approval): boolean => seen.value.includes(nameOf(approval));

/** Puts a failure aside, in this browser; what is not in the list of decided ones any more is forgotten. */
export function putAside(approval: Approval, decided: readonly Approval[]): void {
  const known = new Set(decided.map(nameOf));
  seen.value = [...seen.value.filter((name) => known.has(name)), nameOf(approval)];
  try {
    localStorage.setItem(KEY, JSON.stringify(seen.value));
  } catch {
    // The storage is full: the failure shows again after a reload.
  }
}

/** The refusals of decisions, by approval. They outlive the card: somebody else may have decided first. */
export const refusals = signal<ReadonlyMap<number, string>>(new Map());

export function refuse(id: number, error: string | null): void {
  if (error === null && !refusals.value.has(id)) return;
  const changed = new Map(refusals.value);
  if (error === null) changed.delete(id);
  else changed.set(id, error);
  refusals.value = changed;
}

function stored(): string[] {
  try {
    const names: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
  } catch {
    return [];
  }
}
