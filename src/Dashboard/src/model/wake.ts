/** A line of what woke an agent: the Hive's own, or one that somebody wrote, with a mark in front. */
export interface WakeLine {
  text: string;
  quoted: boolean;
}

const MARK = /^> ?/;

/** What woke an agent, line by line; null where it is a text without such marks, as older harnesses tell it. */
export function wakeLines(text: string): WakeLine[] | null {
  const lines = text.trimEnd().split('\n');
  // A line says who wrote, and what they wrote follows.
  if (lines.length < 2 || MARK.test(lines[0] ?? '') || !MARK.test(lines[1] ?? '')) return null;
  return lines.map((line) => ({ text: line, quoted: MARK.test(line) }));
}

/** The text from where somebody's words begin: who wrote them stands above it. */
export function wakeBeginning(text: string): string {
  const first = wakeLines(text)?.find(({ text: line, quoted }) => quoted && line.replace(MARK, '').trim() !== '');
  return first === undefined ? text : first.text.replace(MARK, '').trimStart();
}
