import { press } from '../ui/keys';
import type { CommandSource } from '../ui/registry';

/** Making an agent. */
export const source: CommandSource = {
  order: 40,
  entries: () => [
    {
      id: 'make',
      title: 'Make an agent',
      label: '⊕ N3W 4G3NT',
      words: 'create add spawn',
      group: 'agents',
      key: 'new-agent',
      run: () => press('new-agent'),
    },
  ],
};
