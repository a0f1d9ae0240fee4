import type { Completer, Offer } from './completer';
import { features } from './feature';

/** Offers for a word, and where the word begins. */
export interface Completion {
  label: string;
  from: number;
  shown: readonly Offer[];
  /** The offer that `enter` takes; -1 where the word means something as it is. */
  first: number;
}

/** How many offers are shown. */
const MOST = 8;

/** The offers for the word that ends at the caret; null where there are none. <own>: completers of the box itself. */
export function completion(text: string, caret: number, own: readonly Completer[] = []): Completion | null {
  const word = /\S*$/.exec(text.slice(0, caret))?.[0] ?? '';
  if (word === '') return null;
  const from = caret - word.length;
  const isFirst = text.slice(0, from).trim() === '';
  for (const { label, begins, first, whole, offers } of [
    ...own,
    ...features.value.flatMap(({ completers }) => completers ?? []),
  ]) {
    if (!begins.test(word) || (first === true && !isFirst)) continue;
    const all = offers(word);
    const shown = all.filter(({ name }) => name !== word).slice(0, MOST);
    const isWhole = all.some(({ name }) => name === word);
    if (shown.length > 0) return { label, from, shown, first: isWhole || whole?.(word) === true ? -1 : 0 };
  }
  return null;
}

/** The text with the offer in place of the word between <from> and the caret, and where the caret is then. */
export function completed(text: string, caret: number, from: number, { name }: Offer): { text: string; caret: number } {
  const rest = text.slice(caret);
  const blank = /^\s/.test(rest);
  return { text: `${text.slice(0, from)}${name}${blank ? '' : ' '}${rest}`, caret: from + name.length + 1 };
}

/** Those whose name begins with the typed letters, then those whose name contains them. */
export function matching<T>(typed: string, all: readonly T[], nameOf: (one: T) => string): T[] {
  const lower = typed.toLowerCase();
  const begins = (one: T) => nameOf(one).toLowerCase().startsWith(lower);
  const contains = (one: T) => lower !== '' && !begins(one) && nameOf(one).toLowerCase().includes(lower);
  return [...all.filter(begins), ...all.filter(contains)];
}
