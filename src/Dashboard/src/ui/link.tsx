import { batch, signal } from '@preact/signals';
import type { ComponentChildren, TargetedMouseEvent } from 'preact';
import { address, pathOf, query, search } from './address';
import { goTo } from './goto';

/**
 * The latest step to another place, and what is done once that is drawn; without such, the page scrolls to where it
 * was.
 */
export const step = signal<{ count: number; scroll: number; then?: () => void }>({ count: 0, scroll: 0 });

/** Whether the side panel stays open from place to place. */
export const pinned = signal(false);

/** The row at the upper edge of a list, and how far it is scrolled out. */
export interface Edge {
  key: string;
  out: number;
}

/** Where a place was scrolled to. */
interface Scrolled {
  scroll?: number;
  lists?: Record<string, Edge>;
}

/** The state that the browser's history keeps for a visit of a place, besides its address. */
interface Visit extends Scrolled {
  /** Names the visit: what is known of a visit that a step back has left is kept by it. */
  id?: string;
  /** The selected row of each list, by the list's name. */
  selected?: Record<string, string>;
}

const visit = (): Visit => (history.state as Visit | null) ?? {};

/** The row of a list that was selected when this visit was left. */
export const selectedThen = (list: string): string | null => visit().selected?.[list] ?? null;

let visits = 0;
/** Unique among the visits of this tab, also of those before a reload. */
const newId = (): string => `${performance.timeOrigin}-${++visits}`;

/** Where the visits were scrolled to that the browser's own steps have left: their state cannot be changed any more. */
const left = new Map<string, Scrolled>();
/** The visits that are kept of these; browsers keep 50 too. */
const KEPT_VISITS = 50;
/** The visit that is shown. */
let shownId: string | undefined;

/** The lists that are drawn, by their names. */
const edges = new Map<string, () => Edge | null>();

/** Keeps where a list is scrolled to, until the returned function is called. */
export function keepEdge(list: string, edge: () => Edge | null): () => void {
  edges.set(list, edge);
  return () => {
    if (edges.get(list) === edge) edges.delete(list);
  };
}

function scrolledNow(): Scrolled {
  const lists: Record<string, Edge> = {};
  for (const [list, edge] of edges) {
    const now = edge();
    if (now !== null) lists[list] = now;
  }
  return { scroll: scrollY, lists };
}

const scrolledThen = ({ id, scroll, lists }: Visit): Scrolled =>
  (id === undefined ? undefined : left.get(id)) ?? {
    ...(scroll === undefined ? {} : { scroll }),
    ...(lists === undefined ? {} : { lists }),
  };

/** Where a list was scrolled to when this visit was left. */
export const edgeThen = (list: string): Edge | null => scrolledThen(visit()).lists?.[list] ?? null;

/** Begins a visit: the one that is left keeps where it was. */
function begin(path: string, kept: Visit | null): void {
  history.replaceState({ ...visit(), ...scrolledNow() }, '');
  if (shownId !== undefined) left.delete(shownId);
  shownId = newId();
  history.pushState({ ...kept, id: shownId }, '', path);
}

/** Browsers refuse more than about ten changes of the history in a second, and a held key makes sixty steps. */
const WRITE_MS = 150;
/** A few changes one after another are written at once: a reload that follows finds the last one. */
const AT_ONCE_MS = 4 * WRITE_MS;
/** Until when the written changes take, at the pace that browsers allow. */
let paidUntil = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
/** The state that the history does not have yet. */
interface Unwritten {
  path: string | null;
  search: string | null;
  selected: Map<string, string>;
}

const nothing = (): Unwritten => ({ path: null, search: null, selected: new Map() });

let unwritten = nothing();

/** Brings the history up to date with the page. */
export function writeVisit(): void {
  clearTimeout(timer);
  timer = undefined;
  const { path, search: written, selected } = unwritten;
  if (path === null && written === null && selected.size === 0) return;
  unwritten = nothing();
  paidUntil = Math.max(paidUntil, performance.now()) + WRITE_MS;
  const state =
    selected.size === 0 ? visit() : { ...visit(), selected: { ...visit().selected, ...Object.fromEntries(selected) } };
  const isHere = path === null && written === null;
  history.replaceState(state, '', isHere ? undefined : (path ?? location.pathname) + (written ?? location.search));
}

function scheduleWrite(): void {
  const left = paidUntil - AT_ONCE_MS - performance.now();
  if (left <= 0) writeVisit();
  else timer ??= setTimeout(writeVisit, left);
}

/** Keeps the selected row of a list with this visit: back and forward select it again. */
export function keepSelected(list: string, key: string): void {
  unwritten.selected.set(list, key);
  scheduleWrite();
}

/**
 * Goes to another place, or to the part of it that a fragment names: nothing is loaded again, and the browser's back
 * button leads here again.
 */
export function go(to: string, after?: () => void): void {
  writeVisit();
  const next = new URL(to, location.href);
  const open = query.peek().get('open');
  if (pinned.peek() && open !== null && !next.searchParams.has('open')) {
    next.searchParams.set('open', open);
    next.search = textOf(next.searchParams);
  }
  const then = after ?? (next.hash === '' ? undefined : () => void goTo(next.hash));
  if (next.pathname === location.pathname && next.search === location.search) {
    then?.();
    return;
  }
  begin(next.pathname + next.search, null);
  const same = pathOf(next.pathname) === address.peek();
  batch(() => {
    address.value = pathOf(next.pathname);
    search.value = next.search;
    if (!same || then !== undefined)
      step.value = { count: step.peek().count + 1, scroll: 0, ...(then === undefined ? {} : { then }) };
  });
}

/** Goes on to another address of the same place, such as the next row's: the browser's back button skips it. */
export function replacePath(path: string): void {
  if (pathOf(path) === address.peek()) return;
  unwritten.path = path;
  scheduleWrite();
  address.value = pathOf(path);
}

/** Changes members of the query; null removes one. <push>: the browser's back button undoes it. */
export function setQuery(changes: Readonly<Record<string, string | null>>, push = false): void {
  const next = new URLSearchParams(query.peek());
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') next.delete(name);
    else next.set(name, value);
  }
  const found = textOf(next);
  if (found === search.peek()) return;
  if (push) {
    writeVisit();
    const { selected } = visit();
    begin(location.pathname + found, selected === undefined ? null : { selected });
  } else {
    unwritten.search = found;
    scheduleWrite();
  }
  search.value = found;
}

/** A query with its question mark, or nothing. Colons and slashes are allowed in it, and it is also read by people. */
function textOf(params: URLSearchParams): string {
  const text = params.toString().replace(/%3A/gi, ':').replace(/%2F/gi, '/');
  return text === '' ? '' : `?${text}`;
}

/** Follows the browser's own steps back and forward. */
export function followHistory(): void {
  history.scrollRestoration = 'manual';
  const { id } = visit();
  shownId = id ?? newId();
  if (id === undefined) history.replaceState({ ...visit(), id: shownId }, '');
  addEventListener('pagehide', writeVisit);
  addEventListener('popstate', (e) => {
    // It was of the visit that has been left.
    clearTimeout(timer);
    timer = undefined;
    unwritten = nothing();
    // The place that is left is still drawn.
    if (shownId !== undefined) {
      left.delete(shownId);
      left.set(shownId, scrolledNow());
      for (const oldest of [...left.keys()].slice(0, -KEPT_VISITS)) left.delete(oldest);
    }
    const arrived = (e.state as Visit | null) ?? {};
    shownId = arrived.id;
    const next = pathOf(location.pathname);
    batch(() => {
      search.value = location.search;
      // A fragment or the query came or went.
      if (next === address.peek()) return;
      address.value = next;
      step.value = { count: step.peek().count + 1, scroll: scrolledThen(arrived).scroll ?? 0 };
    });
  });
}

interface Props {
  to: string;
  class?: string;
  label?: string;
  /** The link leads to the place that is shown. */
  here?: boolean;
  /** A tooltip. */
  hint?: string;
  /** The panel that the key of the side panel opens beside the place, such as `message:12`. */
  opens?: string;
  /** False: the tab key passes it, since the keys of its list lead to it. */
  stop?: boolean;
  children: ComponentChildren;
}

/** A link to another place. With a modifier it is the browser's: a new tab, a new window. */
export function Link({ to, class: name, label, here, hint, opens, stop, children }: Props) {
  const onClick = (e: TargetedMouseEvent<HTMLAnchorElement>) => {
    if (e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    go(to);
  };
  return (
    <a
      href={to}
      class={name ?? 'link'}
      {...(label === undefined ? {} : { 'aria-label': label })}
      {...(hint === undefined ? {} : { title: hint })}
      {...(opens === undefined ? {} : { 'data-opens': opens })}
      {...(stop === false ? { tabIndex: -1 } : {})}
      {...(here === true ? { 'aria-current': 'page' as const } : {})}
      onClick={onClick}
    >
      {children}
    </a>
  );
}
