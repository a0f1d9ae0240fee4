import { expect, test, vi } from 'vitest';
import type { Approval } from '../../api/types';
import { keepNote, keepNotes, notesOf, reasonWith } from './notes';
import { linesOf, sideBySide } from './patch';

const approval = { id: 4, requested_at: '2026-01-01T00:00:00Z', fetched_sha: 'abc' } as Approval;

test('a comment on a line is changed, and removed by an empty one', () => {
  const note = { path: 'a.ts', line: 3, side: 'after' as const };
  keepNote(approval, { ...note, text: 'why?' });
  keepNote(approval, { ...note, text: 'why not?' });
  expect(notesOf(approval).notes).toEqual([{ ...note, text: 'why not?' }]);
  keepNote(approval, { ...note, text: ' ' });
  expect(notesOf(approval).notes).toEqual([]);
});

test('comments of two tabs are kept beside each other', async () => {
  const map = new Map<string, string>();
  vi.stubGlobal('localStorage', {
    getItem: (name: string) => map.get(name) ?? null,
    setItem: (name: string, text: string) => void map.set(name, text),
  });
  const tab = async () => {
    vi.resetModules();
    return await import('./notes');
  };
  const [one, two] = [await tab(), await tab()];
  const note = (line: number) => ({ path: 'a.ts', line, side: 'after' as const, text: `comment ${line}` });
  one.keepNote(approval, note(1));
  two.keepNote(approval, note(2));
  two.keepNotes({ ...approval, id: 5 }, () => ({ viewed: ['b.ts'] }));
  one.hearNotes();
  const lines = [one, two, await tab()].map(({ notesOf: of }) => of(approval).notes.map(({ line }) => line));
  expect(lines).toEqual([
    [1, 2],
    [1, 2],
    [1, 2],
  ]);
  vi.unstubAllGlobals();
});

test('what was viewed of one proposal is not viewed of the next', () => {
  keepNotes(approval, () => ({ viewed: ['a.ts'] }));
  expect(notesOf(approval).viewed).toEqual(['a.ts']);
  expect(notesOf({ ...approval, fetched_sha: 'def' }).viewed).toEqual([]);
});

test('a denial names file and line of each comment', () => {
  const at = (path: string, line: number, side: 'before' | 'after', text: string) => ({ path, line, side, text });
  expect(reasonWith('not yet', [at('b.ts', 2, 'after', 'rename'), at('a.ts', 9, 'before', 'keep\n')])).toBe(
    'not yet\n\na.ts:9 (removed): keep\nb.ts:2: rename',
  );
  expect(reasonWith(' ', [at('a.ts', 1, 'after', 'x')])).toBe('a.ts:1: x');
  expect(reasonWith('no', [])).toBe('no');
});

test('removed and added lines stand side by side', () => {
  const lines = linesOf('@@ -1,3 +1,4 @@\n a\n-b\n-c\n+d\n+e\n+f\n g\n');
  expect(sideBySide(lines).map(([left, right]) => [left?.text ?? null, right?.text ?? null])).toEqual([
    ['@@ -1,3 +1,4 @@', '@@ -1,3 +1,4 @@'],
    ['a', 'a'],
    ['b', 'd'],
    ['c', 'e'],
    [null, 'f'],
    ['g', 'g'],
  ]);
});
