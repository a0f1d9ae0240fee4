import { signal } from '@preact/signals';
import { answerOf, api } from '../api/client';
import type { TicketCard } from '../api/types';
import { press } from '../ui/keys';
import { go } from '../ui/link';
import type { CommandSource } from '../ui/registry';

/** How many tickets are looked up, and how long after the last letter. */
const [SHOWN, PAUSE_MS] = [20, 150] as const;

/** The tickets that the host has found for a text. */
export const found = signal<readonly TicketCard[]>([]);
let sought = '';
let timer: ReturnType<typeof setTimeout> | undefined;

/** Has the host look for tickets; those found before stay until it has answered. */
function seek(text: string): void {
  if (text === sought) return;
  sought = text;
  clearTimeout(timer);
  if (text !== '')
    timer = setTimeout(async () => {
      const asked = api.GET('/api/v1/tickets', { params: { query: { text, limit: SHOWN } } });
      // Without an answer the palette has its other entries.
      const tickets = await answerOf(asked).catch(() => []);
      if (text === sought) found.value = tickets;
    }, PAUSE_MS);
}

const entryOf = (id: number, title: string) => ({ id: `ticket ${id}`, title, run: () => go(`/tickets/${id}`) });

/** Making a ticket; and tickets by their number or their words, once something is typed. */
export const source: CommandSource = {
  order: 35,
  entries: (typed) => {
    const text = typed.trim();
    const number = /^#?([1-9]\d{0,15})$/.exec(text)?.[1];
    seek(text);
    return [
      {
        id: 'make-ticket',
        title: 'Make a ticket',
        label: '⊕ N3W T1CK3T',
        words: 'create add issue task',
        group: 'board',
        key: 'new-ticket',
        run: () => press('new-ticket'),
      },
      ...(text === ''
        ? []
        : found.value.map(({ id, title }) => ({
            ...entryOf(id, `#${id} ${title}`),
            group: 'ticket',
            found: true as const,
          }))),
      ...(number === undefined ? [] : [{ ...entryOf(Number(number), `Ticket #${number}`), group: 'board' }]),
    ];
  },
};
