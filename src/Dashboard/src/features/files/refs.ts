export interface Piece {
  text: string;
  ref: boolean;
}

/** Splits a text at every reference: left to right, the longest where several begin at one place. */
export function splitAtRefs(text: string, refs: readonly string[]): Piece[] {
  const longestFirst = [...new Set(refs)].filter((ref) => ref !== '').sort((a, b) => b.length - a.length);
  const pieces: Piece[] = [];
  let plainFrom = 0;
  let from = 0;
  while (longestFirst.length > 0) {
    let at = -1;
    let found = '';
    for (const ref of longestFirst) {
      const here = text.indexOf(ref, from);
      if (here >= 0 && (at < 0 || here < at)) [at, found] = [here, ref];
    }
    if (at < 0) break;
    if (at > plainFrom) pieces.push({ text: text.slice(plainFrom, at), ref: false });
    pieces.push({ text: found, ref: true });
    plainFrom = from = at + found.length;
  }
  if (plainFrom < text.length) pieces.push({ text: text.slice(plainFrom), ref: false });
  return pieces;
}
