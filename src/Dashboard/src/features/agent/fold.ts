import { utf8Bytes } from '../../ui/text/bytes';
import { bytesText } from '../../ui/text/time';

/** Longer texts, and those of more lines, are folded to their beginning. */
export const MOST_CHARS = 120;
export const MOST_LINES = 3;

export interface Folded {
  /** The first line, or of a long line its beginning. */
  beginning: string;
  /** The size of the whole text. */
  size: string;
}

/** The folded form of a text; null when it is short enough to be shown whole. */
export function folded(text: string, mostChars = MOST_CHARS, mostLines = MOST_LINES): Folded | null {
  const trimmed = text.trimEnd();
  const lines = lineCount(trimmed);
  if (trimmed.length <= mostChars && lines <= mostLines) return null;
  return { beginning: beginningOf(trimmed), size: lines > 1 ? `${lines} lines` : bytesText(utf8Bytes(trimmed)) };
}

/** The first line that is not empty, as far as the folded form shows it. */
export function beginningOf(text: string): string {
  const first =
    text
      .slice(0, 4 * MOST_CHARS)
      .trimStart()
      .split('\n', 1)[0] ?? '';
  return first.length > MOST_CHARS
    ? first.slice(0, /[\uD800-\uDBFF]/.test(first[MOST_CHARS - 1] ?? '') ? MOST_CHARS - 1 : MOST_CHARS)
    : first;
}

function lineCount(text: string): number {
  let count = 1;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
