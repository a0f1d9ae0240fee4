import { computed, type Signal, signal } from '@preact/signals';
import {
  defaultRangeExtractor,
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
} from '@tanstack/virtual-core';
import type { ComponentChild, RefObject, TargetedFocusEvent, TargetedMouseEvent } from 'preact';
import { useCallback, useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';
import { focusDrawn } from './focus';
import { useKey } from './keys';
import { type Edge, edgeThen, keepEdge, keepSelected, selectedThen } from './link';
import { preferences } from './preferences';

/** The state of a row when it is drawn. */
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
/** The height of a list before it has a layout. */
const ROOM_PX = 800;
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
  /** The expected height in pixels, where that is more than the density's; rows are measured. */
  height?: number;
  view: (row: T, state: RowState) => ComponentChild;
  /** Enter, `o` or a click on the row; after a click the keyboard stays on it. */
  onOpen?: (row: T, by: 'key' | 'click') => void;
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

const coarse = matchMedia('(pointer: coarse)');
const isCoarse = signal(coarse.matches);
coarse.addEventListener?.('change', ({ matches }) => {
  isCoarse.value = matches;
});

/** The height of a row, read again when the density or the pointer changes: each reading computes styles. */
const rowHeight = computed(() => {
  void [preferences.value.density, isCoarse.value];
  const height = Number.parseFloat(getComputedStyle(document.documentElement).getPropertyValue('--row'));
  return Number.isFinite(height) ? height : 32;
});

/** The same array while its keys are the same: the measured heights are kept by it. */
function useSameKeys(keys: string[]): string[] {
  const before = useRef(keys);
  if (before.current.length !== keys.length || keys.some((key, i) => key !== before.current[i])) before.current = keys;
  return before.current;
}

/** The row at which a range begins: the last one that was chosen or clicked alone, else the range's end. */
export function rangeStart(keys: readonly string[], anchor: string | null, to: number): number {
  const from = anchor === null ? -1 : keys.indexOf(anchor);
  return from < 0 ? to : from;
}

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
  /** The height that covers the upper end of the scrolling element, in pixels. */
  covered = 0,
  /** The rows of a log stay in place for its reader, or its end stays in view. */
  log: 'read' | 'followed' | null = null,
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
    // Without a layout (a test, a hidden page) the first rows are drawn; of a followed log, its last ones.
    initialRect: { width: 0, height: ROOM_PX },
    initialOffset: () => (log === 'followed' ? Math.max(0, count * estimate() - ROOM_PX) : 0),
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    measureElement: measured,
    onChange: () => draw(0),
    // The rows that are read stay in place when rows come before them.
    ...(log === 'read' ? { anchorTo: 'end' as const, scrollEndThreshold: END_PX } : {}),
  };
  const [virtual] = useState(() => new Virtualizer<HTMLElement, HTMLElement>(options));
  virtual.setOptions(options);
  forget(virtual.itemSizeCache, count, keyAt);
  // A followed log scrolls to its end itself, and the rows there are drawn at once, not only after it has scrolled.
  virtual.shouldAdjustScrollPositionOnItemSizeChange = log === 'followed' ? never : undefined;
  if (log === 'followed' && virtual.scrollElement !== null)
    virtual.scrollOffset = Math.max(0, virtual.getTotalSize() - roomOf(virtual));
  useLayoutEffect(() => {
    // The list reads where it is scrolled to when it is first there.
    const el = scroller.current;
    if (log === 'followed' && virtual.scrollElement === null && el !== null) el.scrollTop = el.scrollHeight;
  }, []);
  useLayoutEffect(() => virtual._didMount(), [virtual]);
  useLayoutEffect(() => virtual._willUpdate());
  return virtual;
}

/** Removes the heights of rows that have left the list: a log that runs for days would collect them. */
function forget(heights: Map<unknown, number>, count: number, keyAt: (i: number) => string): void {
  if (heights.size <= 2 * count + 100) return;
  const keys = new Set<unknown>(Array.from({ length: count }, (_, i) => keyAt(i)));
  for (const key of heights.keys()) if (!keys.has(key)) heights.delete(key);
}

const never = (): boolean => false;

/** The height of a scrolling element as its observer has it. */
const roomOf = (virtual: Virtualizer<HTMLElement, HTMLElement>): number => virtual.scrollRect?.height ?? 0;

/**
 * A list of any length, of which only the rows in view are in the document. It has one stop for the tab key; `j`, `k`
 * and the arrows move in it. The keyboard stays on its row through every change; when the row goes, it is on the next
 * one.
 */
export function Rows<T>(props: Props<T>) {
  const { id, label, rows, keyOf, nameOf, height, view, onOpen, onCurrent, onActions, chosen, onChosen } = props;
  const { head, tail, empty } = props;
  const table = head !== undefined && rows.length > 0;
  const root = useRef<HTMLDivElement>(null);
  const keys = useSameKeys(rows.map(keyOf));
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
  /** Whether <onCurrent> knows the selected row. */
  const isTold = useRef(props.current !== undefined);
  const ofDensity = rowHeight.value;
  const expected = Math.max(height ?? 0, ofDensity);
  const estimate = useCallback(() => expected, [expected]);
  const keyAt = useCallback((i: number) => keys[i] ?? i.toString(), [keys]);
  const mode = tail === undefined ? null : tail.following.peek() ? 'followed' : 'read';
  const virtual = useVirtual(root, rows.length, estimate, keyAt, table ? ofDensity : 0, mode, index);

  const moveTo = (to: number, focus = true) => {
    const at = Math.max(0, Math.min(rows.length - 1, to));
    const row = rows[at];
    const key = keys[at];
    if (row === undefined || key === undefined) return;
    last.current = at;
    isTold.current = true;
    setOwn(key);
    keepSelected(id, key);
    onCurrent?.(row);
    // A log that follows would scroll the row away that is being read.
    if (tail !== undefined) tail.following.value = at === rows.length - 1;
    virtual.scrollToIndex(at, { align: 'auto' });
    if (focus) {
      hadFocus.current = true;
      // The row may not be drawn before the list has scrolled to it.
      focusDrawn(() => drawnRow(key), { preventScroll: true });
    }
  };
  const drawnRow = (key: string) =>
    [...(root.current?.querySelectorAll<HTMLElement>('[data-key]') ?? [])].find((row) => row.dataset.key === key);
  const rowAt = (): T | undefined => rows[index];
  /** The focus was in the list, and nothing else has taken it since. */
  const hasFocus = (): boolean => {
    const at = document.activeElement;
    return hadFocus.current && (at === null || at === document.body || root.current?.contains(at) === true);
  };

  // The current row has gone: the next one takes its place, with the keyboard if it was there.
  useLayoutEffect(() => {
    if (index >= 0) last.current = index;
    else if (current !== null && rows.length > 0) {
      const following = tail?.following.peek();
      moveTo(last.current, hasFocus());
      // The reader did not leave the log's end.
      if (tail !== undefined && following === true) tail.following.value = true;
    } else if (current !== null && rows.length === 0) {
      setOwn(null);
      onCurrent?.(null);
      if (hasFocus()) root.current?.focus({ preventScroll: true });
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
      onOpen?.(row, 'key');
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
  // The keys act on the row that the list shows as selected at first.
  useLayoutEffect(() => {
    const row = rowAt();
    if (isTold.current || row === undefined) return;
    isTold.current = true;
    onCurrent?.(row);
  });
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
  const chooseTo = (to: number) => choose(rangeStart(keys, anchor.current, to), to);
  useKey('select-to', () => chooseTo(Math.max(0, index)), many);
  useKey('select-all', () => onChosen?.(new Set(chosen?.size === keys.length ? [] : keys)), many);

  const edgeNow = useRef<() => Edge | null>(() => null);
  edgeNow.current = () => {
    // A log that follows its end does so when the operator comes back, too.
    if (tail?.following.peek() === true) return null;
    const top = root.current?.scrollTop ?? 0;
    const item = virtual.getVirtualItemForOffset(top);
    const key = item === undefined ? undefined : keys[item.index];
    return item === undefined || key === undefined || top <= 0 ? null : { key, out: top - item.start };
  };
  useEffect(() => keepEdge(id, () => edgeNow.current()), [id]);
  const [edge] = useState(() => edgeThen(id));
  const edgeAt = edge === null ? -1 : keys.indexOf(edge.key);
  const scrollToEdge = (at: number, out: number, frames: number) => {
    const [offset] = virtual.getOffsetForIndex(at, 'start') ?? [0];
    if (root.current !== null) root.current.scrollTop = offset + out;
    // Rows that are drawn now are measured, which moves the others.
    if (frames > 0) requestAnimationFrame(() => scrollToEdge(at, out, frames - 1));
  };
  useEffect(() => {
    // Back at this visit: where it was scrolled to, or the row that was selected then.
    if (edge !== null && edgeAt >= 0) scrollToEdge(edgeAt, edge.out, 6);
    else if (own !== null && index >= 0) virtual.scrollToIndex(index, { align: 'center' });
  }, []);

  useLayoutEffect(() => {
    // Back at rows above the last one: the log stays there.
    if (tail === undefined) return;
    if (edgeAt >= 0 || (index >= 0 && index < rows.length - 1)) tail.following.value = false;
  }, []);
  /** The size of the list when it was last scrolled to its end. */
  const ended = useRef('');
  const total = virtual.getTotalSize();
  const room = roomOf(virtual);
  useLayoutEffect(() => {
    const el = root.current;
    if (tail === undefined || el === null) return;
    // Since the first drawing, when the list had no height yet.
    const high = roomOf(virtual);
    if (!tail.following.peek() && total <= high && isWholeIn(el, rows.length)) tail.following.value = true;
    const size = tail.following.peek() ? `${total} ${high} ${tail.toEnd ?? 0}` : '';
    // The browser lays out the page to find the end, so it is asked only where the end has moved.
    if (size !== '' && size !== ended.current) el.scrollTop = el.scrollHeight;
    ended.current = size;
  }, [rows, total, room, tail?.toEnd]);
  const lastTop = useRef(0);
  const onScroll = () => {
    const el = root.current;
    if (el === null || tail === undefined) return;
    const { scrollTop, scrollHeight, clientHeight } = el;
    const isUp = scrollTop < lastTop.current;
    lastTop.current = scrollTop;
    if (scrollHeight - scrollTop - clientHeight <= END_PX) tail.following.value = true;
    else if (isUp) tail.following.value = false;
    // Its rows have grown since it was scrolled.
    else if (tail.following.peek()) el.scrollTop = scrollHeight;
    if (scrollTop < START_PX) tail.onStart?.();
  };

  const items = virtual.getVirtualItems();
  const focus = {
    onFocusIn: (e: TargetedFocusEvent<HTMLDivElement>) => {
      hadFocus.current = true;
      // The tab key has come in: on to the current row, or the first.
      if (e.target === e.currentTarget && movable) moveTo(index < 0 ? first() : index);
    },
    onFocusOut: (e: TargetedFocusEvent<HTMLDivElement>) => {
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
      if (many && e.shiftKey) chooseTo(at);
      if (!e.shiftKey || anchor.current === null) anchor.current = keys[at] ?? null;
      moveTo(at);
      if (!e.shiftKey && getSelection()?.isCollapsed !== false) onOpen?.(row, 'click');
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
          style={{ height: `${total}px` }}
        >
          {items.map((item) => {
            const row = rows[item.index];
            const key = keys[item.index];
            if (row === undefined || key === undefined) return null;
            const state = { current: item.index === index, chosen: chosen?.has(key) === true };
            return (
              <ListRow
                key={key}
                ref={virtual.measureElement}
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

/** All rows are drawn and in view, by their real heights: the virtual list begins with expected ones. */
function isWholeIn(list: HTMLElement, count: number): boolean {
  const drawn = [...list.querySelectorAll<HTMLElement>('.list-all > *')];
  return drawn.length === count && drawn.reduce((sum, row) => sum + row.offsetHeight, 0) <= list.clientHeight;
}
