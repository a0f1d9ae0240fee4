import { batch, signal } from '@preact/signals';
import type { ComponentChildren, TargetedMouseEvent } from 'preact';
import { address, pathOf } from './address';

/**
 * The latest step to another place, and what is done once that is drawn; without such, the page scrolls to where it
 * was.
 */
export const step = signal<{ count: number; scroll: number; then?: () => void }>({ count: 0, scroll: 0 });

/** Goes to another place: nothing is loaded again, and the browser's back button leads here again. */
export function go(path: string, then?: () => void): void {
  if (path === location.pathname) return;
  history.replaceState({ ...(history.state as object | null), scroll: scrollY }, '');
  history.pushState(null, '', path);
  batch(() => {
    address.value = pathOf(path);
    step.value = { count: step.peek().count + 1, scroll: 0, ...(then === undefined ? {} : { then }) };
  });
}

/** Follows the browser's own steps back and forward. */
export function followHistory(): void {
  history.scrollRestoration = 'manual';
  addEventListener('popstate', (e) => {
    const next = pathOf(location.pathname);
    // A fragment came or went.
    if (next === address.peek()) return;
    batch(() => {
      address.value = next;
      step.value = { count: step.peek().count + 1, scroll: (e.state as { scroll?: number } | null)?.scroll ?? 0 };
    });
  });
}

interface Props {
  to: string;
  class?: string;
  label?: string;
  /** The link leads to the place that is shown. */
  here?: boolean;
  children: ComponentChildren;
}

/** A link to another place. With a modifier it is the browser's: a new tab, a new window. */
export function Link({ to, class: name, label, here, children }: Props) {
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
      {...(here === true ? { 'aria-current': 'page' as const } : {})}
      onClick={onClick}
    >
      {children}
    </a>
  );
}
