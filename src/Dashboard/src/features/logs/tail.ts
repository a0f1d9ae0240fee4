/** The newest lines of a log, each with a place of its own that stays while newer ones come. */
export interface Tail {
  /** The place of the first line. */
  first: number;
  lines: readonly string[];
}

export const emptyTail: Tail = { first: 0, lines: [] };

/** The host's newest lines in place of those before; a line that both hold keeps its place. */
export function withNewest(tail: Tail, lines: readonly string[]): Tail {
  return { first: tail.first + tail.lines.length - overlap(tail.lines, lines), lines };
}

/** So many lines at the end of <before> are those that <after> begins with: the most that fit, found in one walk over each (Knuth, Morris, Pratt). */
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
  // No more can overlap than the shorter one has.
  for (let i = Math.max(0, before.length - after.length); i < before.length; i++) advance(before[i]);
  return matched;
}

export interface Chunk {
  /** The same chunk has the same number as long as any of its lines is there. */
  number: number;
  text: string;
}

/** Lines in chunks whose borders do not move with what comes and goes: of a long log only the first and the last one change. */
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
