import { go } from '../ui/link';
import type { CommandSource } from '../ui/registry';

export const source: CommandSource = {
  order: 45,
  entries: () => [
    {
      id: 'set a budget',
      title: 'Set a budget',
      words: 'limit spending cost money',
      group: 'places',
      run: () => go('/stats?budget=new#budgets'),
    },
  ],
};
