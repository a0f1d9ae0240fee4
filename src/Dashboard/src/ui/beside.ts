import { type ReadonlySignal, signal } from '@preact/signals';
import type { ComponentChild } from 'preact';

/** The content of the drawer beside the page, one thing at a time. */
export interface Beside {
  /** Identifies the content. */
  key: string;
  view: () => ComponentChild;
}

const open = signal<Beside | null>(null);

export const beside: ReadonlySignal<Beside | null> = open;

export const isBeside = (key: string): boolean => open.value?.key === key;

export function close(): void {
  open.value = null;
}

/** Opens the content, or closes it where it is open. */
export function toggle(what: Beside): void {
  open.value = open.peek()?.key === what.key ? null : what;
}
