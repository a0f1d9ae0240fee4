/** A text without case and accents. */
const plain = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

const LETTER = /[\p{L}\p{N}]/u;

/** Whether a word begins at a place of a text. */
const begins = (text: string, at: number): boolean => at === 0 || !LETTER.test(text[at - 1] ?? '');

/** The score of a letter that neither follows the one before it nor begins a word. */
const LOOSE = 0.3;
/** The least mean of a word's letters. */
const LEAST = 0.6;
/** The most that scattered letters score. */
const SCATTERED = 0.6;

/** How well the letters of a word stand in a text in their order, at most 0.6; 0 where they do not. */
function looseScore(word: string, text: string): number {
  let [at, sum] = [-1, 0];
  for (const letter of word) {
    if (text[at + 1] === letter && at >= 0) {
      at++;
      sum++;
      continue;
    }
    // The next word that begins so, else the next such letter.
    let found = text.indexOf(letter, at + 1);
    const first = found;
    while (found >= 0 && !begins(text, found)) found = text.indexOf(letter, found + 1);
    if (first < 0) return 0;
    sum += found < 0 ? LOOSE : 1;
    at = found < 0 ? first : found;
  }
  const mean = sum / word.length;
  return mean < LEAST ? 0 : SCATTERED * mean;
}

function wordScore(word: string, text: string): number {
  const at = text.indexOf(word);
  if (at < 0) return looseScore(word, text);
  if (at === 0) return text.length === word.length ? 1 : 0.95;
  for (let next = at; next >= 0; next = text.indexOf(word, next + 1)) if (begins(text, next)) return 0.9;
  return 0.75;
}

/** Words beside the title count a little less than the title's. */
const BESIDE = 0.9;

/** How well a typed text fits a title or the words beside it, and its worst word; 0 where a word fits neither. */
function score(words: readonly string[], typed: string, title: string, beside: string) {
  let least = 1;
  for (const word of words) {
    const own = Math.max(wordScore(word, title), BESIDE * wordScore(word, beside));
    if (own === 0) return { least: 0, fits: 0 };
    least = Math.min(least, own);
  }
  // As it was typed; of equal ones the shortest.
  return { least, fits: least + (title.includes(typed) ? 1 : 0) + 1 / (10 + title.length) };
}

/**
 * The entries that fit a typed text, the best first; of each, its title, more words that find it, and whether it comes
 * after the others. Words that stand there as they were typed come before scattered letters of any entry.
 */
export function fitting<T>(
  all: readonly T[],
  typed: string,
  of: (entry: T) => readonly [string, string, (boolean | undefined)?],
  most: number,
) {
  const text = plain(typed.trim());
  const words = text.split(/\s+/);
  return all
    .map((entry) => {
      const [title, beside, after = false] = of(entry);
      const { least, fits } = score(words, text, plain(title), plain(beside));
      return { entry, fits, tier: (least > SCATTERED ? 2 : 0) + (after ? 0 : 1) };
    })
    .filter(({ fits }) => fits > 0)
    .toSorted((a, b) => b.tier - a.tier || b.fits - a.fits)
    .slice(0, most)
    .map(({ entry }) => entry);
}
