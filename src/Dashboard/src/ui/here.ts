import { BOX } from './keys';

const isNowhere = (at: Element | null): boolean => at === null || at.matches('body');

/** The text in a box; empty for another element. */
const textOf = (at: Element | null): string => (at as { value?: string } | null)?.value ?? '';

/** Whether the focus may be moved out of an area: it is nowhere, or on something in the area that takes no text. */
export function isFree(area: string): boolean {
  const at = document.activeElement;
  return at === null || isNowhere(at) || (!at.matches(BOX) && at.closest(area) !== null);
}

/** The text of the box of an area that has the focus; null where no box of it has. */
export function writtenIn(area: string): string | null {
  const at = document.activeElement;
  return at?.matches(BOX) === true && at.closest(area) !== null ? textOf(at) : null;
}

/**
 * Remembers where the operator decides. The returned function says whether the focus may still be moved on from there:
 * a box only if it is the one in which the decision was written, and nothing was typed into it since.
 */
export function decidedHere(area: string): () => boolean {
  const then = document.activeElement;
  const text = textOf(then);
  return () => {
    const at = document.activeElement;
    if (isFree(area)) return true;
    return at !== null && at === then && at.closest(area) !== null && ['', text].includes(textOf(at));
  };
}
