/** The newest lines of a log, each with a number that stays while newer ones come. */
export interface Tail {
  /** The number of the first line. */
  first: number;
  lines: readonly string[];
}

export const emptyTail: Tail = { first: 0, lines: [] };

/** Replaces the lines by the host's newest ones; a line in both keeps its number. */
export function withNewest(tail: Tail, lines: readonly string[]): Tail {
  return { first: tail.first + tail.lines.length - overlap(tail.lines, lines), lines };
}

/**
 * The number of lines at the end of <before> that <after> begins with: the most that match, in linear time (Knuth,
 * Morris, Pratt).
 */
function overlap(before: readonly string[], after: readonly string[]): number {
  const back: number[] = [0];
  let matched = 0;
  const advance = (line: string | undefined) => {
    while (matched > 0 && (matched === after.length || after[matched] !== line)) matched = back[matched - 1] ?? 0;
    if (after[matched] === line) matched++;
  };
  if (after.length === 0) return 0;
  for (let i = 1; i < after.length; i++) {
    advance(after[i]);
    back.push(matched);
  }
  matched = 0;
  // The overlap is not longer than the shorter list.
  for (let i = Math.max(0, before.length - after.length); i < before.length; i++) advance(before[i]);
  return matched;
}

export interface Chunk {
  /** The number of a chunk stays the same while any of its lines is kept. */
  number: number;
  text: string;
}

/** Lines in chunks with fixed borders: when lines come and go, only the first and the last chunk change. */
export function chunks({ first, lines }: Tail, size: number): Chunk[] {
  const all: Chunk[] = [];
  for (let at = first; at < first + lines.length; ) {
    const number = Math.floor(at / size);
    const end = Math.min((number + 1) * size, first + lines.length);
    all.push({ number, text: lines.slice(at - first, end - first).join('\n') });
    at = end;
  }
  return all;
}
