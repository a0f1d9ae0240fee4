import { signal } from '@preact/signals';

/** What stands beside the page: an agent's log, or what an approval would change. */
export type Shown = { logs: string } | { diff: number };

export const shown = signal<Shown | null>(null);

export const logsOf = (): string | null => (shown.value !== null && 'logs' in shown.value ? shown.value.logs : null);
export const diffOf = (): number | null => (shown.value !== null && 'diff' in shown.value ? shown.value.diff : null);

export function close(): void {
  shown.value = null;
}
