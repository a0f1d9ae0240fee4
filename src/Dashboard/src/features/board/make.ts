import { signal } from '@preact/signals';
import { answerOf, api, WITH_ANSWER } from '../../api/client';
import { address, query } from '../../ui/address';
import { useKey } from '../../ui/keys';
import { go } from '../../ui/link';
import { once } from '../../ui/once';
import { askPalette, type WithText } from '../../ui/registry';
import { at } from './actions';
import { isWhole } from './cards';
import { board } from './store';

/** The most characters of a ticket's title. */
const TITLE = 500;

/** The ticket that was made on the board, until the board has selected it. */
export const made = signal<number | null>(null);

/** The first line of a text is the title of its ticket, the others are its description. */
export function ticketOf(text: string): { title: string; description: string } {
  const [title = '', ...more] = text.trim().split('\n');
  return { title: title.trim(), description: more.join('\n').trim() };
}

/** The reason why a text cannot be a ticket's, besides the limits of every text. */
export function titleFault(text: string): string | null {
  const { length } = ticketOf(text).title;
  return length > TITLE
    ? `The first line is the title: it has ${length} characters, and a title has at most ${TITLE}. Begin a new line.`
    : null;
}

/** A ticket of a workflow; null for the default one. */
const newTicket = (workflow: string | null): WithText => ({
  id: 'make-ticket',
  label: '⊕ N3W T1CK3T',
  of: workflow === null ? 'in the default workflow' : `in ${workflow}`,
  weight: 'primary',
  target: 'ticket:new',
  placeholder: 'what has to be done; more lines describe it',
  what: 'a ticket',
  reader: '*',
  faultOf: titleFault,
  action: (text) => {
    const body = { ...ticketOf(text), ...(workflow === null ? {} : { workflow }) };
    const make = once(JSON.stringify(body), (key) =>
      answerOf(api.POST('/api/v1/tickets', { body: { ...body, key }, headers: WITH_ANSWER })),
    );
    let id = 0;
    return {
      id: 'make-ticket',
      label: '⊕ N3W T1CK3T',
      of: body.title,
      run: async () => {
        ({ id } = await make());
        // The board selects its card, unless it may be further down than what is shown.
        if (address.value === '/board' && isWhole.value) made.value = id;
        else go(`/tickets/${id}`);
      },
      undo: () => api.DELETE('/api/v1/tickets/{id}', at(id)),
    };
  },
});

/** The key that makes a ticket, over any place: on the board, one of the workflow that is shown. */
export function NewTicketKey() {
  useKey(
    'new-ticket',
    () => {
      const asked = query.value.get('workflow');
      const isShown = address.value === '/board' && board.workflows.value.some(({ name }) => name === asked);
      askPalette({ title: 'What has to be done?', text: newTicket(isShown ? asked : null) });
    },
    true,
    'shell',
  );
  return null;
}
