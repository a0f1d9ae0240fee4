import { computed } from '@preact/signals';
import type { Lock, Snapshot } from '../../api/types';
import { RowTable } from '../../stream/row-table';

/** The locks that tasks hold, and the requests that wait for one. */
export class Locks {
  readonly #rows = new RowTable<Lock>();
  /** The oldest first. */
  readonly all = computed(() => this.#rows.all.toSorted((a, b) => a.id - b.id));

  snapshot({ locks }: Pick<Snapshot, 'locks'>): void {
    this.#rows.replace(locks);
  }

  /** One that has ended is not shown any more. */
  put(lock: Lock): void {
    if (lock.released_at == null) this.#rows.put(lock);
    else this.#rows.remove(lock.id);
  }
}

export const locks = new Locks();
