import { signal } from '@preact/signals';

/** The last refusal; the shell reads it out and shows it until it is closed. */
export const refusal = signal<string | null>(null);
