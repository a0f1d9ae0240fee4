import { signal } from '@preact/signals';
import type { Forge, Snapshot } from '../../api/types';

/** The git forge: its accounts and repositories. */
export class ForgeStore {
  /** Null until the first snapshot, and from a host that knows no forge. */
  readonly now = signal<Forge | null>(null);

  snapshot({ forge }: { forge?: Snapshot['forge'] | null }): void {
    this.now.value = forge ?? null;
  }
}

export const forge = new ForgeStore();
