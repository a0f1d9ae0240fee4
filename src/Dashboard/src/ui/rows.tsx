import type { Signal } from '@preact/signals';
import {
  defaultRangeExtractor,
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
} from '@tanstack/virtual-core';
import type { ComponentChild, RefObject, TargetedFocusEvent, TargetedMouseEvent } from 'preact';
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';
import { useKey } from './keys';
import { keepSelected, selectedThen } from './link';

/** What a row knows of itself when it is drawn. */
export interface RowState {
  /** The keyboard is on it. */
  current: boolean;
  /** It is one of several chosen rows. */
  chosen: boolean;
}

/** A log shows its last row until the reader scrolls away from it, and is read on from its first row upwards. */
export interface Tail {
  following: Signal<boolean>;
  /** The reader is near the first row. */
  onStart?: () => void;
  /** Counts the requests to show the last row. */
  toEnd?: number;
}

/** Within this distance from its end a log follows its newest row. */
const END_PX = 48;
/** Within this distance from its start a log is read on. */
const START_PX = 400;

interface Props<T> {
  /** Identifies the list on the page; back and forward select the same row again. */
  id: string;
  label: string;
  rows: readonly T[];
  keyOf: (row: T) => string;
  /** The accessible name of a row. */
  nameOf: (row: T) => string;
  /** The expected height in pixels; rows are measured. Without it, the height of the density. */
  height?: number;
  view: (row: T, state: RowState) => ComponentChild;
  /** Enter, `o` or a click on the row. */
  onOpen?: (row: T) => void;
  /** The row that the keyboard is on has changed. */
  onCurrent?: (row: T | null) => void;
  /** A right click or `.`: what can be done with the row. */
  onActions?: (row: T, at: HTMLElement) => void;
  /** Several rows can be chosen with `x`. */
  chosen?: ReadonlySet<string>;
  onChosen?: (keys: ReadonlySet<string>) => void;
  /** The row that is selected at first, where none was before. */
  initial?: string;
  /** The row to select from outside; undefined leaves it to the list. */
  current?: string | null;
  /**
   * The heads of the columns: the list is a table then, and each row draws its cells with `role="cell"`. They stay in
   * view.
   */
  head?: ComponentChild;
  /** The list is a log: its newest row is the last one. */
  tail?: Tail;
  /** Shown without rows. */
  empty?: ComponentChild;
  class?: string;
}

/** Elements of their own: rows take the focus, which is not what a plain block is for. */
const List = 'list-box' as string as 'div';
const ListRow = 'list-row' as string as 'div';

const heightOfDensity = (): number => {
  const height = Number.parseFloat(getComputedStyle(document.documentElement).getPropertyValue('--row'));
  return Number.isFinite(height) ? height : 32;
};

/**
 * The height of a row as its observer has it. A new row has the expected height until the browser has laid it out:
 * asking for it here would lay out the page once for each new row.
 */
function measured(
  row: HTMLElement,
  entry: ResizeObserverEntry | undefined,
  virtual: Virtualizer<HTMLElement, HTMLElement>,
): number {
  const height = entry?.borderBoxSize[0]?.blockSize;
  if (height !== undefined) return Math.round(height);
  const at = virtual.indexFromElement(row);
  const { getItemKey, estimateSize } = virtual.options;
  return virtual.itemSizeCache.get(getItemKey(at)) ?? estimateSize(at);
}

/** The rows near the viewport of a scrolling element, and where they are. */
export function useVirtual(
  scroller: RefObject<HTMLElement | null>,
  count: number,
  estimate: () => number,
  keyAt: (i: number) => string,
  /** What covers the upper end of the scrolling element, in pixels. */
  covered = 0,
  isLog = false,
  /** A row that is drawn wherever the list is scrolled to, since it may have the focus; -1 for none. */
  kept = -1,
) {
  const [, draw] = useReducer((n: number) => n + 1, 0);
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: estimate,
    getItemKey: keyAt,
    overscan: 8,
    rangeExtractor: (range: Parameters<typeof defaultRangeExtractor>[0]) => {
      const drawn = defaultRangeExtractor(range);
      if (kept < 0 || kept >= count || drawn.includes(kept)) return drawn;
      return [...drawn, kept].toSorted((a, b) => a - b);
    },
    scrollPaddingEnd: covered,
    // Without a layout (a test, a hidden page) the first rows are drawn.
    initialRect: { width: 0, height: 800 },
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    measureElement: measured,
    onChange: () => draw(0),
    // What is read stays in place when rows come before it, and the end stays the end when rows grow.
    ...(isLog ? { anchorTo: 'end' as const, scrollEndThreshold: END_PX } : {}),
  };
  const [virtual] = useState(() => new Virtualizer<HTMLElement, HTMLElement>(options));
  virtual.setOptions(options);
  useLayoutEffect(() => virtual._didMount(), [virtual]);
  useLayoutEffect(() => virtual._willUpdate());
  return virtual;
}

/**
 * A list of any length, of which only the rows in view are in the document. It has one stop for the tab key; `j`, `k` and
 * the arrows move in it. The keyboard stays on its row through every change; when the row goes, it is on the next one.
 */
export function Rows<T>(props: Props<T>) {
  const { id, label, rows, keyOf, nameOf, height, view, onOpen, onCurrent, onActions, chosen, onChosen } = props;
  const { head, tail, empty } = props;
  const table = head !== undefined && rows.length > 0;
  const root = useRef<HTMLDivElement>(null);
  const keys = rows.map(keyOf);
  const [own, setOwn] = useState<string | null>(() => selectedThen(id) ?? props.initial ?? null);
  const current = props.current === undefined ? own : props.current;
  const index = current === null ? -1 : keys.indexOf(current);
  /** Where the current row was, for the time when it is gone. */
  const last = useRef(0);
  /** Where the keyboard comes in: a log's newest row is its last. */
  const first = () => (tail === undefined ? 0 : rows.length - 1);
  /** The row that a range of chosen rows begins at. */
  const anchor = useRef<string | null>(null);
  const hadFocus = useRef(false);
  const ofDensity = heightOfDensity();
  const virtual = useVirtual(
    root,
    rows.length,
    () => height ?? ofDensity,
    (i) => keys[i] ?? i.toString(),
    table ? ofDensity : 0,
    tail !== undefined,
    index,
  );

  const moveTo = (to: number, focus = true) => {
    const at = Math.max(0, Math.min(rows.length - 1, to));
    const row = rows[at];
    const key = keys[at];
    if (row === undefined || key === undefined) return;
    last.current = at;
    setOwn(key);
    keepSelected(id, key);
    onCurrent?.(row);
    // A log that follows would scroll the row away that is being read.
    if (tail !== undefined) tail.following.value = at === rows.length - 1;
    virtual.scrollToIndex(at, { align: 'auto' });
    if (focus) {
      hadFocus.current = true;
      // The row may not be drawn before the list has scrolled to it.
      requestAnimationFrame(() => focusRow(key));
    }
  };
  const focusRow = (key: string) => {
    for (const row of root.current?.querySelectorAll<HTMLElement>('[data-key]') ?? [])
      if (row.dataset.key === key) return row.focus({ preventScroll: true });
  };
  const rowAt = (): T | undefined => rows[index];

  // The current row has gone: the next one takes its place, with the keyboard if it was there.
  useLayoutEffect(() => {
    if (index >= 0) last.current = index;
    else if (current !== null && rows.length > 0) {
      const following = tail?.following.peek();
      moveTo(last.current, hadFocus.current);
      // The reader did not leave the log's end.
      if (tail !== undefined && following === true) tail.following.value = true;
    } else if (current !== null && rows.length === 0) {
      setOwn(null);
      onCurrent?.(null);
      if (hadFocus.current) root.current?.focus({ preventScroll: true });
    }
  });

  const movable = rows.length > 0;
  const next = () => moveTo(index < 0 ? Math.max(last.current, first()) : index + 1);
  useKey('next', next, movable);
  useKey('previous', () => moveTo(index < 0 ? first() : index - 1), movable);
  useKey('first', () => moveTo(0), movable);
  useKey('last', () => moveTo(rows.length - 1), movable);
  useKey(
    'open',
    () => {
      const row = rowAt();
      if (row === undefined) return false;
      onOpen?.(row);
      return true;
    },
    onOpen !== undefined && movable,
  );
  useKey(
    'actions',
    () => {
      const row = rowAt();
      const at = root.current?.querySelector<HTMLElement>('[data-key][aria-current]');
      if (row === undefined || at == null) return false;
      onActions?.(row, at);
      return true;
    },
    onActions !== undefined && movable,
  );
  const many = onChosen !== undefined && movable;
  const choose = (from: number, to: number, only?: boolean) => {
    const next = new Set(chosen);
    for (let i = Math.min(from, to); i <= Math.max(from, to); i++) {
      const key = keys[i];
      if (key === undefined) continue;
      if (only === true && next.has(key)) next.delete(key);
      else next.add(key);
    }
    onChosen?.(next);
  };
  useKey(
    'select',
    () => {
      if (index < 0) return false;
      anchor.current = keys[index] ?? null;
      choose(index, index, true);
      return true;
    },
    many,
  );
  useKey(
    'select-to',
    () => {
      const to = Math.max(0, index);
      const from = anchor.current === null ? -1 : keys.indexOf(anchor.current);
      choose(from < 0 ? to : from, to);
    },
    many,
  );
  useKey('select-all', () => onChosen?.(new Set(chosen?.size === keys.length ? [] : keys)), many);

  useEffect(() => {
    // Back from another place: the row that was selected then.
    if (own !== null && index >= 0) virtual.scrollToIndex(index, { align: 'center' });
  }, []);

  useLayoutEffect(() => {
    // Back at a row above the last one: the log stays there.
    if (tail !== undefined && index >= 0 && index < rows.length - 1) tail.following.value = false;
  }, []);
  useLayoutEffect(() => {
    const el = root.current;
    if (tail === undefined || el === null) return;
    // All of it is in view.
    if (el.scrollHeight <= el.clientHeight) tail.following.value = true;
    if (tail.following.peek() && rows.length > 0) virtual.scrollToEnd();
  }, [rows, tail?.toEnd]);
  const onScroll = () => {
    const el = root.current;
    if (el === null || tail === undefined) return;
    tail.following.value = el.scrollHeight - el.scrollTop - el.clientHeight <= END_PX;
    if (el.scrollTop < START_PX) tail.onStart?.();
  };

  const items = virtual.getVirtualItems();
  const focus = {
    onFocus: (e: TargetedFocusEvent<HTMLDivElement>) => {
      hadFocus.current = true;
      // The tab key has come in: on to the current row, or the first.
      if (e.target === e.currentTarget && movable) moveTo(index < 0 ? first() : index);
    },
    onBlur: (e: TargetedFocusEvent<HTMLDivElement>) => {
      // The focus of a removed row goes nowhere; the list keeps it.
      if (e.relatedTarget !== null) hadFocus.current = e.currentTarget.contains(e.relatedTarget as Node);
    },
  };
  const semantics = table
    ? {
        role: 'grid' as const,
        'aria-label': label,
        'aria-rowcount': rows.length + 1,
        ...(onChosen === undefined ? {} : { 'aria-multiselectable': true }),
      }
    : { role: head === undefined && rows.length > 0 ? ('list' as const) : ('group' as const), 'aria-label': label };
  /** The role of a row and what a click does with it; the list's keys do the same. */
  const ofRow = (row: T, at: number) => ({
    ...(table
      ? {
          role: 'row' as const,
          'aria-rowindex': at + 2,
          ...(onChosen === undefined ? {} : { 'aria-selected': chosen?.has(keys[at] ?? '') === true }),
        }
      : { role: 'listitem' as const, 'aria-setsize': rows.length, 'aria-posinset': at + 1 }),
    'aria-label': !table && chosen?.has(keys[at] ?? '') === true ? `selected, ${nameOf(row)}` : nameOf(row),
    onClick: (e: TargetedMouseEvent<HTMLDivElement>) => {
      const inner = (e.target as HTMLElement).closest('a, button, input, textarea, select, summary, label');
      if (inner !== null && e.currentTarget.contains(inner)) return;
      if (many && e.shiftKey) choose(Math.max(0, index), at);
      moveTo(at);
      if (!e.shiftKey && getSelection()?.isCollapsed !== false) onOpen?.(row);
    },
    onContextMenu: (e: TargetedMouseEvent<HTMLDivElement>) => {
      if (onActions === undefined || e.shiftKey) return;
      e.preventDefault();
      moveTo(at);
      onActions(row, e.currentTarget);
    },
  });
  return (
    <List
      ref={root}
      id={id}
      class={`list ${props.class ?? ''}`}
      {...semantics}
      {...focus}
      onScroll={tail === undefined ? undefined : onScroll}
      tabIndex={index >= 0 && items.some((item) => item.index === index) ? -1 : 0}
    >
      {table ? (
        <div class="list-head" {...{ role: 'row' as const, 'aria-rowindex': 1 }}>
          {head}
        </div>
      ) : null}
      {rows.length === 0 ? (
        empty
      ) : (
        <div
          class="list-all"
          {...{ role: table ? ('rowgroup' as const) : ('presentation' as const) }}
          style={{ height: `${virtual.getTotalSize()}px` }}
        >
          {items.map((item) => {
            const row = rows[item.index];
            const key = keys[item.index];
            if (row === undefined || key === undefined) return null;
            const state = { current: item.index === index, chosen: chosen?.has(key) === true };
            return (
              <ListRow
                key={key}
                ref={(el) => virtual.measureElement(el)}
                data-index={item.index}
                data-key={key}
                class={`list-row ${state.chosen ? 'chosen' : ''}`}
                aria-current={state.current ? 'true' : undefined}
                tabIndex={state.current ? 0 : -1}
                style={{ transform: `translateY(${item.start}px)` }}
                {...ofRow(row, item.index)}
              >
                {view(row, state)}
              </ListRow>
            );
          })}
        </div>
      )}
    </List>
  );
}
