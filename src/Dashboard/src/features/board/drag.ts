import { signal } from '@preact/signals';

/** The pointer moves so far before a press becomes a drag. */
export const START_PX = 5;
/** Within this distance from an edge, what scrolls goes on scrolling. */
const EDGE_PX = 48;
/** The fastest that it scrolls in one frame. */
const SCROLL_PX = 18;

/** Where the dragged card would go: before a card of a column, or to the column's end. */
export interface Target {
  column: string;
  before: number | null;
}

export interface Dragged {
  id: number;
  target: Target | null;
}

/** The card that is being dragged. */
export const dragged = signal<Dragged | null>(null);

/** How far something scrolls in a frame, with the pointer at a point of its extent. */
export function scrollBy(at: number, from: number, to: number): number {
  if (at < from + EDGE_PX) return -Math.ceil(SCROLL_PX * Math.min(1, (from + EDGE_PX - at) / EDGE_PX));
  if (at > to - EDGE_PX) return Math.ceil(SCROLL_PX * Math.min(1, (at - to + EDGE_PX) / EDGE_PX));
  return 0;
}

/** The column under a point, and the card there before which another one would go. */
function targetAt(x: number, y: number, id: number): Target | null {
  const under = document.elementFromPoint(x, y);
  const column = under?.closest<HTMLElement>('[data-column]');
  if (column == null) return null;
  const cards = [...column.querySelectorAll<HTMLElement>('[data-card]:not([data-waits])')];
  const next = cards.find((card) => {
    const { top, height } = card.getBoundingClientRect();
    return Number(card.dataset.card) !== id && y < top + height / 2;
  });
  return { column: column.dataset.column ?? '', before: next === undefined ? null : Number(next.dataset.card) };
}

/**
 * Begins to drag a card when the pointer moves from where it was pressed. A finger scrolls instead; the card's menu
 * moves it there. Escape leaves the card where it was.
 */
export function press(e: PointerEvent, card: HTMLElement, id: number, drop: (target: Target) => void): void {
  if (e.button !== 0 || e.pointerType === 'touch' || (e.target as HTMLElement).closest('a, button') !== null) return;
  const { clientX, clientY } = e;
  const { left, top, width } = card.getBoundingClientRect();
  const scroller = card.closest<HTMLElement>('.board-columns');
  let ghost: HTMLElement | null = null;
  let [x, y] = [clientX, clientY];
  let frame = 0;
  const stop = new AbortController();
  const { signal: stopped } = stop;

  const scroll = () => {
    frame = requestAnimationFrame(scroll);
    if (scroller !== null) {
      const { left: from, right: to } = scroller.getBoundingClientRect();
      scroller.scrollLeft += scrollBy(x, from, to);
    }
    const list = document.elementFromPoint(x, y)?.closest<HTMLElement>('[data-column]')?.querySelector('.list');
    if (list != null) {
      const { top: from, bottom: to } = list.getBoundingClientRect();
      list.scrollTop += scrollBy(y, from, to);
    }
    aim();
  };
  const aim = () => {
    const target = targetAt(x, y, id);
    const before = dragged.peek()?.target;
    if (target?.column !== before?.column || target?.before !== before?.before) dragged.value = { id, target };
  };
  const begin = () => {
    ghost = card.cloneNode(true) as HTMLElement;
    ghost.removeAttribute('data-card');
    ghost.removeAttribute('tabindex');
    ghost.setAttribute('aria-hidden', 'true');
    ghost.inert = true;
    ghost.className = 'board-card ghost';
    ghost.style.cssText = `width:${width}px;left:${left}px;top:${top}px`;
    card.closest('.board')?.append(ghost);
    dragged.value = { id, target: null };
    scroll();
  };
  const end = (target: Target | null) => {
    cancelAnimationFrame(frame);
    stop.abort();
    if (ghost === null) return;
    ghost.remove();
    dragged.value = null;
    // The browser's click that follows does not open the card.
    const swallow = (click: MouseEvent) => click.stopPropagation();
    addEventListener('click', swallow, { capture: true, once: true });
    setTimeout(() => removeEventListener('click', swallow, { capture: true }), 0);
    if (target !== null) drop(target);
  };
  addEventListener(
    'pointermove',
    (move) => {
      [x, y] = [move.clientX, move.clientY];
      if (ghost === null && Math.hypot(x - clientX, y - clientY) < START_PX) return;
      if (ghost === null) begin();
      if (ghost !== null) ghost.style.transform = `translate(${x - clientX}px, ${y - clientY}px)`;
      aim();
    },
    { signal: stopped },
  );
  addEventListener('pointerup', () => end(ghost === null ? null : (dragged.peek()?.target ?? null)), {
    signal: stopped,
  });
  addEventListener('pointercancel', () => end(null), { signal: stopped });
  addEventListener(
    'keydown',
    (key) => {
      if (key.key !== 'Escape' || ghost === null) return;
      key.preventDefault();
      key.stopPropagation();
      end(null);
    },
    { signal: stopped, capture: true },
  );
  // The press would begin to select text.
  addEventListener('selectstart', (select) => select.preventDefault(), { signal: stopped });
}
