import { type Piece, plainly, toldBy } from '../messages';

/** A line of a wake prompt: Hive's own, or a quoted one with a mark in front. */
export interface WakeLine {
  text: string;
  quoted: boolean;
  /** The same without the mark in front. */
  written: string;
  /** For a system event: its sentence. */
  told: readonly Piece[] | null;
}

const MARK = /^> ?/;
const FROM = /^Message \d+ from ([a-z][a-z0-9-]*)/;

/** The lines of a wake prompt; null for a text without such marks, as older harnesses send it. */
export function wakeLines(text: string): WakeLine[] | null {
  const lines = text.trimEnd().split('\n');
  // A line names the sender, and the quoted text follows.
  if (lines.length < 2 || MARK.test(lines[0] ?? '') || !MARK.test(lines[1] ?? '')) return null;
  return lines.map((line, i) => {
    const quoted = MARK.test(line);
    // The line above, of Hive, names the sender; an event is one line.
    const above = lines[i - 1] ?? '';
    const from = quoted && !MARK.test(above) && !MARK.test(lines[i + 1] ?? '') ? (FROM.exec(above)?.[1] ?? '') : '';
    const written = line.replace(MARK, '');
    return { text: line, quoted, written, told: toldBy(from, written) };
  });
}

/** The text from the first quoted words on. */
export function wakeBeginning(text: string): string {
  const first = wakeLines(text)?.find(({ written, quoted }) => quoted && written.trim() !== '');
  if (first?.told != null) return plainly(first.told);
  return first === undefined ? text : first.written.trimStart();
}
