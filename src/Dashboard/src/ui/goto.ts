import { address } from './address';
import { go } from './link';

/** Brings a part of the page into view and puts the keyboard there; false when it is not shown. */
export function goTo(selector: string): boolean {
  const part = document.querySelector<HTMLElement>(selector);
  if (part === null) return false;
  // Not in the order of the tab key: focus comes here only when it is sent.
  if (!part.hasAttribute('tabindex')) part.tabIndex = -1;
  part.focus({ preventScroll: true });
  part.scrollIntoView({ block: 'nearest' });
  return true;
}

/** The same for a part of the swarm's view, or where that is not shown any more, its section; from another view it leads there. */
export function goToSwarm(selector: string, section: string): void {
  const jump = () => void (goTo(selector) || goTo(section));
  if (address.peek() === '/') jump();
  else go('/', jump);
}
