import { signal } from '@preact/signals';
import type { Approval } from '../../api/types';

/** A comment on a line of a file, as it is after the change, or before it where the line goes. */
export interface LineNote {
  path: string;
  line: number;
  side: 'before' | 'after';
  text: string;
}

/** What the operator has noted in the review of one approval. */
export interface ReviewNotes {
  viewed: readonly string[];
  notes: readonly LineNote[];
}

const NONE: ReviewNotes = { viewed: [], notes: [] };
const KEY = 'hive.reviews';
/** The reviews that are remembered, the latest first. */
const KEPT = 50;

/** The commit is part of the name: what was noted of another proposal says nothing of this one. */
const nameOf = ({ id, requested_at, fetched_sha }: Approval): string => `${id}.${requested_at}.${fetched_sha ?? ''}`;

const all = signal<ReadonlyMap<string, ReviewNotes>>(stored());

// Each tab writes all reviews: without those of the others it would remove them.
if (typeof addEventListener === 'function')
  addEventListener('storage', (e) => {
    if (e.key === KEY || e.key === null) all.value = stored();
  });

export const notesOf = (approval: Approval): ReviewNotes => all.value.get(nameOf(approval)) ?? NONE;

export function keepNotes(approval: Approval, changed: Partial<ReviewNotes>): void {
  const name = nameOf(approval);
  const others = [...all.value].filter(([other]) => other !== name).slice(0, KEPT - 1);
  all.value = new Map([[name, { ...notesOf(approval), ...changed }], ...others]);
  try {
    localStorage.setItem(KEY, JSON.stringify([...all.value]));
  } catch {
    // The storage is full or forbidden: a reload loses the notes.
  }
}

/** Sets the comment on a line; an empty one is removed. */
export function keepNote(approval: Approval, note: LineNote): void {
  const others = notesOf(approval).notes.filter(
    ({ path, line, side }) => path !== note.path || line !== note.line || side !== note.side,
  );
  keepNotes(approval, { notes: note.text.trim() === '' ? others : [...others, note] });
}

/** The reason of a denial with the comments on lines, as who asked reads it. */
export function reasonWith(reason: string, notes: readonly LineNote[]): string {
  const lines = notes
    .toSorted((a, b) => a.path.localeCompare(b.path) || a.line - b.line)
    .map(({ path, line, side, text }) => `${path}:${line}${side === 'before' ? ' (removed)' : ''}: ${text.trim()}`);
  return [reason.trim(), lines.join('\n')].filter((part) => part !== '').join('\n\n');
}

function stored(): Map<string, ReviewNotes> {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    if (!Array.isArray(kept)) return new Map();
    return new Map(
      kept.filter(
        (entry): entry is [string, ReviewNotes] =>
          Array.isArray(entry) && typeof entry[0] === 'string' && isNotes(entry[1]),
      ),
    );
  } catch {
    return new Map();
  }
}

/** A declaration, since the module reads the storage while it is loaded. */
function isNotes(value: unknown): value is ReviewNotes {
  if (typeof value !== 'object' || value === null) return false;
  const { viewed, notes } = value as Partial<Record<keyof ReviewNotes, unknown>>;
  return Array.isArray(viewed) && Array.isArray(notes) && notes.every(isNote);
}

function isNote(value: unknown): value is LineNote {
  const { path, line, text } = (value ?? {}) as Partial<Record<keyof LineNote, unknown>>;
  return typeof path === 'string' && typeof line === 'number' && typeof text === 'string';
}
