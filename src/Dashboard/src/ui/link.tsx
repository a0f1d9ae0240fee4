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

/** What the browser's history keeps for a visit of a place, besides its address. */
interface Visit {
  scroll?: number;
  /** The selected row of each list, by the list's name. */
  selected?: Record<string, string>;
}

const visit = (): Visit => (history.state as Visit | null) ?? {};

/** The row of a list that was selected when this visit was left. */
export const selectedThen = (list: string): string | null => visit().selected?.[list] ?? null;

/** Browsers refuse more than about ten changes of the history in a second, and a held key makes sixty steps. */
const WRITE_MS = 150;
let writtenAt = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
/** What the history does not have yet. */
let unwritten: { path: string | null; selected: Map<string, string> } = { path: null, selected: new Map() };

/** Brings the history up to date with the page. */
export function writeVisit(): void {
  clearTimeout(timer);
  timer = undefined;
  const { path, selected } = unwritten;
  if (path === null && selected.size === 0) return;
  unwritten = { path: null, selected: new Map() };
  writtenAt = performance.now();
  const state =
    selected.size === 0 ? visit() : { ...visit(), selected: { ...visit().selected, ...Object.fromEntries(selected) } };
  history.replaceState(state, '', path === null ? undefined : path + location.search);
}

function scheduleWrite(): void {
  const left = writtenAt + WRITE_MS - performance.now();
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
  if (pinned.peek() && open !== null && !next.searchParams.has('open'))
    next.search = `${next.search === '' ? '?' : `${next.search}&`}open=${open}`;
  const then = after ?? (next.hash === '' ? undefined : () => void goTo(next.hash));
  if (next.pathname === location.pathname && next.search === location.search) {
    then?.();
    return;
  }
  history.replaceState({ ...visit(), scroll: scrollY }, '');
  history.pushState(null, '', next.pathname + next.search);
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
  writeVisit();
  const next = new URLSearchParams(query.peek());
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') next.delete(name);
    else next.set(name, value);
  }
  // Colons and slashes are allowed in a query, and an address is also read by people.
  const text = next.toString().replace(/%3A/gi, ':').replace(/%2F/gi, '/');
  const found = text === '' ? '' : `?${text}`;
  if (found === search.peek()) return;
  if (push) {
    history.replaceState({ ...visit(), scroll: scrollY }, '');
    history.pushState(visit(), '', location.pathname + found);
  } else history.replaceState(history.state, '', location.pathname + found);
  search.value = found;
}

/** Follows the browser's own steps back and forward. */
export function followHistory(): void {
  history.scrollRestoration = 'manual';
  addEventListener('pagehide', writeVisit);
  addEventListener('popstate', (e) => {
    // It was of the visit that has been left.
    clearTimeout(timer);
    timer = undefined;
    unwritten = { path: null, selected: new Map() };
    const next = pathOf(location.pathname);
    batch(() => {
      search.value = location.search;
      // A fragment or the query came or went.
      if (next === address.peek()) return;
      address.value = next;
      step.value = { count: step.peek().count + 1, scroll: (e.state as Visit | null)?.scroll ?? 0 };
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
  /** False: the tab key passes it, since the keys of its list lead to it. */
  stop?: boolean;
  children: ComponentChildren;
}

/** A link to another place. With a modifier it is the browser's: a new tab, a new window. */
export function Link({ to, class: name, label, here, hint, stop, children }: Props) {
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
      {...(stop === false ? { tabIndex: -1 } : {})}
      {...(here === true ? { 'aria-current': 'page' as const } : {})}
      onClick={onClick}
    >
      {children}
    </a>
  );
}
