import { computed } from '@preact/signals';
import type { Budget, Snapshot } from '../../api/types';
import { RowTable } from '../../stream/row-table';
import { tokensText, usdText } from '../../ui/text/figures';

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

const share = (spent: number, limit: number | null | undefined): number => (limit == null ? 0 : spent / limit);

/** The part of a budget that is spent, 0 to 1: of two limits, the higher one. */
export const spentOf = ({ limit_usd, spent_usd, limit_tokens, spent_tokens }: Budget): number =>
  Math.min(1, Math.max(share(spent_usd, limit_usd), share(spent_tokens, limit_tokens)));

/** An amount in the units of a budget's limits. */
export const amountOf = (budget: Budget, usd: number | null | undefined, tokens: number | null | undefined): string =>
  [
    ...(budget.limit_usd == null ? [] : [usdText(usd ?? 0)]),
    ...(budget.limit_tokens == null ? [] : [tokensText(tokens ?? 0)]),
  ].join(' · ');
