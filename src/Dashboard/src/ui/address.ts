import { signal } from '@preact/signals';

/** A path without the slash at its end. */
export const pathOf = (path: string): string => (path === '/' ? path : path.replace(/\/$/, ''));

/** Which of the page's places is shown. */
export const address = signal(typeof location === 'undefined' ? '/' : pathOf(location.pathname));
