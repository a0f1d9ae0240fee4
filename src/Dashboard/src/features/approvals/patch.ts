import type { DiffFile } from '../../api/types';

export interface DiffLine {
  kind: 'same' | 'added' | 'removed' | 'hunk' | 'remark';
  text: string;
  /** The line number before and after the change. */
  before: number | null;
  after: number | null;
}

/** Files of more lines are folded at first, and so are all files after this many lines in total. */
export const FOLDED_LINES = 200;
export const OPEN_LINES = 800;

/** The lines of a git patch. The lines before the first hunk only repeat the file's own row. */
export function linesOf(patch: string): DiffLine[] {
  const lines: DiffLine[] = [];
  let [before, after, inHunk] = [0, 0, false];
  const all = patch.split('\n');
  if (all.at(-1) === '') all.pop();
  for (const line of all) {
    const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)$/.exec(line);
    if (hunk !== null) {
      [before, after, inHunk] = [Number(hunk[1]), Number(hunk[2]), true];
      lines.push({ kind: 'hunk', text: line, before: null, after: null });
    } else if (line.startsWith('diff --git ')) inHunk = false;
    else if (!inHunk) continue;
    else if (line.startsWith('+')) lines.push({ kind: 'added', text: line.slice(1), before: null, after: after++ });
    else if (line.startsWith('-')) lines.push({ kind: 'removed', text: line.slice(1), before: before++, after: null });
    else if (line.startsWith('\\')) lines.push({ kind: 'remark', text: line.slice(2), before: null, after: null });
    else lines.push({ kind: 'same', text: line.slice(1), before: before++, after: after++ });
  }
  return lines;
}

/** The number of lines of a patch. */
export function lineCount(patch: string | undefined): number {
  let count = 0;
  for (let at = patch?.indexOf('\n') ?? -1; at >= 0; at = patch?.indexOf('\n', at + 1) ?? -1) count++;
  return count;
}

/** The files that are open at first: the small ones, from the top, up to a total. */
export function openAtFirst(files: readonly DiffFile[]): Set<string> {
  const open = new Set<string>();
  let total = 0;
  for (const { path, patch } of files) {
    const lines = lineCount(patch);
    if (lines > FOLDED_LINES) continue;
    total += lines;
    if (total > OPEN_LINES) continue;
    open.add(path);
  }
  return open;
}

/** A letter and words for the change of a file. */
export function markOf(file: DiffFile): { letter: string; words: string; tone: 'good' | 'bad' | 'warn' | 'info' } {
  switch (file.status) {
    case 'added':
      return { letter: 'A', words: 'added', tone: 'good' };
    case 'deleted':
      return { letter: 'D', words: 'deleted', tone: 'bad' };
    case 'renamed':
      return { letter: 'R', words: `renamed from ${file.old_path ?? 'another name'}`, tone: 'info' };
    case 'mode_changed':
      return { letter: 'M', words: 'its mode changes', tone: 'warn' };
    case 'type_changed':
      return { letter: 'T', words: 'its type changes', tone: 'warn' };
    default:
      return { letter: 'M', words: 'changed', tone: 'warn' };
  }
}

const MODES: Record<string, string> = {
  '100644': 'a file',
  '100755': 'a program',
  '120000': 'a link',
  '160000': 'a submodule',
};

/** The change of a file's mode; null without one. */
export function modeOf({ old_mode, new_mode }: DiffFile): string | null {
  const named = (mode: string) => MODES[mode] ?? `mode ${mode}`;
  if (new_mode == null) return null;
  return old_mode == null ? named(new_mode) : `${named(old_mode)} → ${named(new_mode)}`;
}

/** The lines before a change beside those after it; removed lines stand beside those that replace them. */
export function sideBySide(lines: readonly DiffLine[]): (readonly [DiffLine | null, DiffLine | null])[] {
  const pairs: (readonly [DiffLine | null, DiffLine | null])[] = [];
  for (let i = 0; i < lines.length; ) {
    const line = lines[i] as DiffLine;
    if (line.kind !== 'removed' && line.kind !== 'added') {
      pairs.push([line, line]);
      i++;
      continue;
    }
    const removed: DiffLine[] = [];
    const added: DiffLine[] = [];
    for (; lines[i]?.kind === 'removed'; i++) removed.push(lines[i] as DiffLine);
    for (; lines[i]?.kind === 'added'; i++) added.push(lines[i] as DiffLine);
    for (let at = 0; at < Math.max(removed.length, added.length); at++)
      pairs.push([removed[at] ?? null, added[at] ?? null]);
  }
  return pairs;
}
