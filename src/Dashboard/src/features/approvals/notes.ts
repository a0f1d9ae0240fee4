import { signal } from '@preact/signals';
import type { Approval } from '../../api/types';

/** A comment on a line of a file, as it is after the change, or before it where the line goes. */
export interface LineNote {
  path: string;
  line: number;
  side: 'before' | 'after';
  text: string;
}

/** The operator's notes in the review of one approval. */
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

/** Takes what another tab has stored. */
export function hearNotes(): void {
  all.value = stored();
}

if (typeof addEventListener === 'function')
  addEventListener('storage', (e) => {
    if (e.key === KEY || e.key === null) hearNotes();
  });

export const notesOf = (approval: Approval): ReviewNotes => all.value.get(nameOf(approval)) ?? NONE;

/** Whether the latest notes are in the storage, where those of other tabs are. */
let isKept = true;

export function keepNotes(approval: Approval, change: (before: ReviewNotes) => Partial<ReviewNotes>): void {
  const name = nameOf(approval);
  // Another tab may have stored notes that this one has not heard of.
  if (isKept) all.value = new Map([...all.value, ...stored()]);
  const others = [...all.value].filter(([other]) => other !== name).slice(0, KEPT - 1);
  const before = all.value.get(name) ?? NONE;
  all.value = new Map([[name, { ...before, ...change(before) }], ...others]);
  try {
    localStorage.setItem(KEY, JSON.stringify([...all.value]));
    isKept = true;
  } catch {
    isKept = false;
    // The storage is full or forbidden: a reload loses the notes.
  }
}

/** Sets the comment on a line; an empty one is removed. */
export function keepNote(approval: Approval, note: LineNote): void {
  keepNotes(approval, (before) => {
    const others = before.notes.filter(
      ({ path, line, side }) => path !== note.path || line !== note.line || side !== note.side,
    );
    return { notes: note.text.trim() === '' ? others : [...others, note] };
  });
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
