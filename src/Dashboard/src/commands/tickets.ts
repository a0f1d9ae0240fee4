import { board } from '../features/board';
import { press } from '../ui/keys';
import { go } from '../ui/link';
import type { CommandSource } from '../ui/registry';

/** Making a ticket; and tickets by their number or their title, once something is typed. */
export const source: CommandSource = {
  order: 35,
  entries: (typed) => [
    {
      id: 'make-ticket',
      title: 'Make a ticket',
      label: '⊕ N3W T1CK3T',
      words: 'create add issue task',
      group: 'board',
      key: 'new-ticket',
      run: () => press('new-ticket'),
    },
    ...(typed.trim() === ''
      ? []
      : board.cards.value.map(({ id, title }) => ({
          id: `ticket ${id}`,
          title: `#${id} ${title}`,
          group: 'ticket',
          found: true as const,
          run: () => go(`/tickets/${id}`),
        }))),
  ],
};
