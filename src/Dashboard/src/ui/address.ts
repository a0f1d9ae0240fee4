import { computed, signal } from '@preact/signals';

/** A path without the slash at its end. */
export const pathOf = (path: string): string => (path === '/' ? path : path.replace(/\/$/, ''));

const here = typeof location === 'undefined' ? { pathname: '/', search: '' } : location;

/** The path of the place that is shown. */
export const address = signal(pathOf(here.pathname));

/** The query of the address, such as `?open=diff:12`, with its question mark or empty. */
export const search = signal(here.search ?? '');

export const query = computed(() => new URLSearchParams(search.value));
