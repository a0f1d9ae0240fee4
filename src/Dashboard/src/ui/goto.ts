import { address } from './address';
import { go } from './link';

/** Scrolls to a part of the page and focuses it; false when it is not shown. */
export function goTo(selector: string): boolean {
  const part = document.querySelector<HTMLElement>(selector);
  if (part === null) return false;
  // Focusable by script only, not by the tab key.
  if (!part.hasAttribute('tabindex')) part.tabIndex = -1;
  part.focus({ preventScroll: true });
  part.scrollIntoView({ block: 'nearest' });
  return true;
}

/**
 * The same for a part of the swarm's page, or for its section where the part has gone; from another place it goes there
 * first.
 */
export function goToSwarm(selector: string, section: string): void {
  const jump = () => void (goTo(selector) || goTo(section));
  if (address.peek() === '/') jump();
  else go('/', jump);
}
