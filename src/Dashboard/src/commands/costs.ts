import { go } from '../ui/link';
import type { CommandSource } from '../ui/registry';

export const source: CommandSource = {
  order: 45,
  entries: () => [
    { id: 'set a budget', title: 'Set a budget', group: 'places', run: () => go('/stats?budget=new#budgets') },
  ],
};
