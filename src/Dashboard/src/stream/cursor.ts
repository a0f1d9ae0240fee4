/** A place in the host's stream: which run of the host, and how many events into it. */
export interface Cursor {
  epoch: string;
  seq: number;
}

export function parseCursor(text: string): Cursor | null {
  const dash = text.lastIndexOf('-');
  const seq = Number(text.slice(dash + 1));
  return dash > 0 && Number.isSafeInteger(seq) && seq >= 0 && dash + 1 < text.length
    ? { epoch: text.slice(0, dash), seq }
    : null;
}
