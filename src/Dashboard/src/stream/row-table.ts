import { computed, signal } from '@preact/signals';

/** Whole rows by id, told of one at a time. They may be many: a change costs the same however many there are, and is read once however many came together. */
export class RowTable<Row extends { id: number }> {
  readonly #rows = new Map<number, Row>();
  readonly #changes = signal(0);
  readonly #all = computed<readonly Row[]>(() => {
    // Reading it says when the list is to be made again.
    void this.#changes.value;
    return [...this.#rows.values()];
  });

  get all(): readonly Row[] {
    return this.#all.value;
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
