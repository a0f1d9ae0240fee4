import type { ComponentChild } from 'preact';
import { useState } from 'preact/hooks';

/** The first of many rows, and a button for as many again: a list that somebody floods still opens at once. */
export function useBounded<T>(rows: readonly T[], step: number): { shown: readonly T[]; more: ComponentChild } {
  const [limit, setLimit] = useState(step);
  const left = rows.length - limit;
  return {
    shown: left > 0 ? rows.slice(0, limit) : rows,
    more:
      left > 0 ? (
        <button type="button" class="plain more" onClick={() => setLimit(limit + step)}>
          ↓ {Math.min(left, step)} more, {left} left
        </button>
      ) : null,
  };
}
