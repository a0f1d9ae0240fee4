import { type Piece, plainly, toldBy } from '../messages';

/** A line of what woke an agent: the Hive's own, or one that somebody wrote, with a mark in front. */
export interface WakeLine {
  text: string;
  quoted: boolean;
  /** The same without the mark in front. */
  written: string;
  /** Of an event that Hive tells of: what happened, as a sentence. */
  told: readonly Piece[] | null;
}

const MARK = /^> ?/;
const FROM = /^Message \d+ from ([a-z][a-z0-9-]*)/;

/** What woke an agent, line by line; null where it is a text without such marks, as older harnesses tell it. */
export function wakeLines(text: string): WakeLine[] | null {
  const lines = text.trimEnd().split('\n');
  // A line says who wrote, and what they wrote follows.
  if (lines.length < 2 || MARK.test(lines[0] ?? '') || !MARK.test(lines[1] ?? '')) return null;
  return lines.map((line, i) => {
    const quoted = MARK.test(line);
    // Who writes stands in a line of Hive's own, right above; an event is one line.
    const above = lines[i - 1] ?? '';
    const from = quoted && !MARK.test(above) && !MARK.test(lines[i + 1] ?? '') ? (FROM.exec(above)?.[1] ?? '') : '';
    const written = line.replace(MARK, '');
    return { text: line, quoted, written, told: toldBy(from, written) };
  });
}

/** The text from where somebody's words begin: who wrote them stands above it. */
export function wakeBeginning(text: string): string {
  const first = wakeLines(text)?.find(({ written, quoted }) => quoted && written.trim() !== '');
  if (first?.told != null) return plainly(first.told);
  return first === undefined ? text : first.written.trimStart();
}
