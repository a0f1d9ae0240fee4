import { signal } from '@preact/signals';
import type { NotifyHook } from '../../api/types';

/** The hook that tells an address of the operator's what waits. */
export class HookStore {
  /** Null until the first snapshot, and from a host that knows no hook. */
  readonly now = signal<NotifyHook | null>(null);

  snapshot({ notify_hook }: { notify_hook?: NotifyHook | null }): void {
    this.now.value = notify_hook ?? null;
  }
}

export const hook = new HookStore();
