import { go } from '../ui/link';
import type { CommandSource } from '../ui/registry';

export const source: CommandSource = {
  order: 46,
  entries: () => [
    {
      id: 'locks',
      title: 'Locks',
      words: 'release claim resource',
      group: 'places',
      run: () => go('/system#locks'),
    },
  ],
};
