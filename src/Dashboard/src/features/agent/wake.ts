/** A line of a wake prompt: Hive's own, or a quoted one with a mark in front. */
export interface WakeLine {
  text: string;
  quoted: boolean;
  /** In a line of Hive that names a message: its number. */
  message: number | null;
}

const MARK = /^> ?/;
const NAMED = /^Message ([1-9]\d{0,14}) from /;

/** The lines of a wake prompt; null for a text without such marks, as older harnesses send it. */
export function wakeLines(text: string): WakeLine[] | null {
  const lines = text.trimEnd().split('\n');
  // A line names the sender, and the quoted text follows.
  if (lines.length < 2 || MARK.test(lines[0] ?? '') || !MARK.test(lines[1] ?? '')) return null;
  return lines.map((line) => {
    const named = NAMED.exec(line)?.[1];
    return { text: line, quoted: MARK.test(line), message: named === undefined ? null : Number(named) };
  });
}

/** The text from the first quoted words on. */
export function wakeBeginning(text: string): string {
  const first = wakeLines(text)
    ?.filter(({ quoted }) => quoted)
    .map((line) => line.text.replace(MARK, '').trimStart())
    .find((written) => written !== '');
  return first ?? text;
}
