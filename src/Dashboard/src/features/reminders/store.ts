import { computed } from '@preact/signals';
import type { Reminder, Snapshot } from '../../api/types';
import { RowTable } from '../../stream/row-table';
import { byDue, failed } from './reminder';

/** The reminders that are pending. */
export class Reminders {
  readonly #rows = new RowTable<Reminder>();
  /** The next one due first. */
  readonly all = computed(() => this.#rows.all.toSorted(byDue));
  readonly failures = computed(() => this.#rows.all.reduce((sum, reminder) => sum + Number(failed(reminder)), 0));

  snapshot({ reminders }: Pick<Snapshot, 'reminders'>): void {
    this.#rows.replace(reminders);
  }

  put(reminder: Reminder): void {
    this.#rows.put(reminder);
  }

  remove(id: number): void {
    this.#rows.remove(id);
  }
}

export const reminders = new Reminders();
