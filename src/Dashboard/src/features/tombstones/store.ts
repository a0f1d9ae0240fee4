import { signal } from '@preact/signals';
import type { Snapshot, Tombstone } from '../../api/types';

/** The kept state of destroyed agents. */
export class Tombstones {
  readonly all = signal<readonly Tombstone[]>([]);

  snapshot({ tombstones }: Pick<Snapshot, 'tombstones'>): void {
    this.all.value = tombstones;
  }

  has(name: string): boolean {
    return this.all.value.some((tombstone) => tombstone.name === name);
  }
}

export const tombstones = new Tombstones();
