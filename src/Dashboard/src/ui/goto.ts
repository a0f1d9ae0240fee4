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
