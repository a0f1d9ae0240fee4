import { BOX } from './keys';

/**
 * Moves the focus in the next frame, when what takes it is drawn. A box that was opened since keeps it: the letters
 * that are typed into it would be commands elsewhere.
 */
export function focusDrawn(find: () => HTMLElement | null | undefined, options?: FocusOptions): void {
  const then = document.activeElement;
  requestAnimationFrame(() => {
    const at = document.activeElement;
    if (at === then || at?.matches(BOX) !== true) find()?.focus(options);
  });
}

/** The rows and cards that are drawn again as elements of their own, by what names them. */
const NAMES = ['key', 'card'] as const;

/** The element, or what stands for the same row or card now that it was drawn again elsewhere; null when it is gone. */
export function drawnNow(element: Element | null): HTMLElement | null {
  if (element instanceof HTMLElement && element.isConnected) return element;
  for (const name of NAMES) {
    const key = element?.closest<HTMLElement>(`[data-${name}]`)?.dataset[name];
    const now = key === undefined ? null : document.querySelector<HTMLElement>(`[data-${name}="${CSS.escape(key)}"]`);
    if (now !== null) return now;
  }
  return null;
}

/** The element that has the focus, and those around it. */
let path: readonly HTMLElement[] = [];

const isGone = (element: HTMLElement): boolean => !element.isConnected || element.matches(':disabled');

const canTake = (element: HTMLElement): boolean =>
  element.isConnected && element.matches('[tabindex]') && element.closest('[inert]') === null;

/** Whether the box in which the operator wrote last has gone with the focus: more letters of the text may come. */
export const hasLostBox = (): boolean => path[0] !== undefined && isGone(path[0]) && path[0].matches(BOX);

/**
 * Keeps the focus off the document's body: when its element is removed or disabled, and nothing else has taken the
 * focus by the next frame, the nearest thing around it that is still there has it, at last the place.
 */
export function keepFocus(): void {
  let asked = false;
  addEventListener('focusin', ({ target }) => {
    const around: HTMLElement[] = [];
    for (let at = target instanceof HTMLElement ? target : null; at !== null; at = at.parentElement) around.push(at);
    path = around;
  });
  addEventListener('focusout', ({ relatedTarget }) => {
    if (relatedTarget !== null) return;
    // A click beside everything: the focus was given away. In another window the element still has it.
    queueMicrotask(() => {
      const [last] = path;
      if (last !== undefined && !isGone(last) && document.activeElement !== last) path = [];
    });
  });
  const restore = () => {
    asked = false;
    const [last, ...around] = path;
    const at = document.activeElement;
    if (last === undefined || !isGone(last) || (at !== null && at !== document.body && at !== last)) return;
    (around.find(canTake) ?? document.querySelector<HTMLElement>('main'))?.focus({ preventScroll: true });
  };
  new MutationObserver(() => {
    const [last] = path;
    if (asked || last === undefined || !isGone(last)) return;
    asked = true;
    // Lists and dialogs move the focus themselves, and know better where to.
    requestAnimationFrame(restore);
  }).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ['disabled'] });
}
