import { signal } from '@preact/signals';

/** Whose log the drawer shows. */
export const logsOf = signal<string | null>(null);
