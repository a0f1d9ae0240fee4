import { batch, signal } from '@preact/signals';
import type { ComponentChildren, TargetedMouseEvent } from 'preact';
import { viewAt } from '../model/view';

/** Which of the page's views its address means. */
export const view = signal(viewAt(location.pathname));

/** The latest step to another view, and what is done once that is drawn: something of its own, or else the place it was scrolled to is taken up again. */
export const step = signal<{ count: number; scroll: number; then?: () => void }>({ count: 0, scroll: 0 });

/** Goes to another view: nothing is loaded anew, and the browser's back button leads here again. */
export function go(path: string, then?: () => void): void {
  if (path === location.pathname) return;
  history.replaceState({ ...(history.state as object | null), scroll: scrollY }, '');
  history.pushState(null, '', path);
  batch(() => {
    view.value = viewAt(path);
    step.value = { count: step.peek().count + 1, scroll: 0, ...(then === undefined ? {} : { then }) };
  });
}

/** Follows the browser's own steps back and forward. */
export function followHistory(): void {
  history.scrollRestoration = 'manual';
  addEventListener('popstate', (e) => {
    const next = viewAt(location.pathname);
    const now = view.peek();
    // A fragment came or went.
    if (next.kind === now.kind && (next.kind !== 'agent' || now.kind !== 'agent' || next.name === now.name)) return;
    batch(() => {
      view.value = next;
      step.value = { count: step.peek().count + 1, scroll: (e.state as { scroll?: number } | null)?.scroll ?? 0 };
    });
  });
}

interface Props {
  to: string;
  class?: string;
  label?: string;
  /** It leads to what is shown. */
  here?: boolean;
  children: ComponentChildren;
}

/** A link to another view. With a modifier it is the browser's: a new tab, a new window. */
export function Link({ to, class: name, label, here, children }: Props) {
  const onClick = (e: TargetedMouseEvent<HTMLAnchorElement>) => {
    if (e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    go(to);
  };
  return (
    <a href={to} class={name ?? 'link'} {...(label === undefined ? {} : { 'aria-label': label })} {...(here === true ? { 'aria-current': 'page' as const } : {})} onClick={onClick}>
      {children}
    </a>
  );
}
