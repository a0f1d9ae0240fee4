import { computed, signal } from '@preact/signals';

/**
 * Rows by id that change one at a time. The cost of a change does not grow with the number of rows, and changes of one
 * batch are read once.
 */
export class RowTable<Row extends { id: number }> {
  readonly #rows = new Map<number, Row>();
  readonly #changes = signal(0);
  readonly #all = computed<readonly Row[]>(() => {
    // Subscribes to changes: the list is built again after one.
    void this.#changes.value;
    return [...this.#rows.values()];
  });

  get all(): readonly Row[] {
    return this.#all.value;
  }

  get size(): number {
    return this.#rows.size;
  }

  has(id: number): boolean {
    return this.#rows.has(id);
  }

  replace(rows: readonly Row[]): void {
    this.#rows.clear();
    for (const row of rows) this.#rows.set(row.id, row);
    this.#changes.value++;
  }

  put(row: Row): void {
    this.#rows.set(row.id, row);
    this.#changes.value++;
  }

  remove(id: number): void {
    if (this.#rows.delete(id)) this.#changes.value++;
  }
}
