import type { RefObject } from 'preact';
import { useLayoutEffect } from 'preact/hooks';

const MOST_ROWS = 8;

/** Keeps a text area as high as its text, from <fewest> to eight rows. */
export function useGrown(area: RefObject<HTMLTextAreaElement | null>, text: string, fewest = 1): void {
  useLayoutEffect(() => {
    const el = area.current;
    if (el === null) return;
    el.rows = 1;
    const { lineHeight, paddingTop, paddingBottom } = getComputedStyle(el);
    const rows = Math.round(
      (el.scrollHeight - parseFloat(paddingTop) - parseFloat(paddingBottom)) / parseFloat(lineHeight),
    );
    el.rows = Math.min(MOST_ROWS, Math.max(fewest, rows));
  }, [area, text, fewest]);
}
