import { batch, computed, signal } from '@preact/signals';
import type { Approval, Snapshot } from '../../api/types';
import { RowTable } from '../../stream/row-table';
import { byResolution, DECIDED } from './approval';

/** The approvals that wait or are under way, and the newest of the decided ones. */
export class Approvals {
  readonly #rows = new RowTable<Approval>();
  /** The approvals that wait for the operator or are under way, oldest first. */
  readonly open = computed(() => this.#rows.all.toSorted((a, b) => a.id - b.id));
  /** The newest of the decided ones, the latest first. */
  readonly decided = signal<readonly Approval[]>([]);
  /** How many wait for the operator. */
  readonly waiting = computed(() => this.open.value.filter(({ status }) => status === 'pending').length);

  snapshot({ approvals, approval_history }: Pick<Snapshot, 'approvals' | 'approval_history'>): void {
    this.#rows.replace(approvals);
    this.decided.value = approval_history.toSorted(byResolution).slice(0, DECIDED);
  }

  put(approval: Approval): void {
    batch(() => {
      this.#rows.put(approval);
      // One that failed because its agent was destroyed is pending again: the agent was revived.
      if (this.decided.peek().some(({ id }) => id === approval.id))
        this.decided.value = this.decided.peek().filter(({ id }) => id !== approval.id);
    });
  }

  resolve(approval: Approval): void {
    const others = this.decided.value.filter(({ id }) => id !== approval.id);
    batch(() => {
      this.#rows.remove(approval.id);
      this.decided.value = [approval, ...others].sort(byResolution).slice(0, DECIDED);
    });
  }
}

export const approvals = new Approvals();
