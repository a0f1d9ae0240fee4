import { computed } from '@preact/signals';
import type { Budget, Snapshot } from '../../api/types';
import { RowTable } from '../../stream/row-table';

/** The limits on what agents may spend. */
export class Budgets {
  readonly #rows = new RowTable<Budget>();
  /** The oldest first. */
  readonly all = computed(() => this.#rows.all.toSorted((a, b) => a.id - b.id));

  snapshot({ budgets }: Pick<Snapshot, 'budgets'>): void {
    this.#rows.replace(budgets);
  }

  put(budget: Budget): void {
    this.#rows.put(budget);
  }

  remove(id: number): void {
    this.#rows.remove(id);
  }
}

export const budgets = new Budgets();
