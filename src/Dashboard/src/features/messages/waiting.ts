import { api } from '../../api/client';
import { words } from '../../api/refusal';
import type { Message } from '../../api/types';
import type { Action } from '../../ui/action';
import { LABELS, type Wired } from '../../ui/labels';
import { refusal } from '../../ui/refused';
import type { WithText } from '../../ui/registry';
import { unread } from './actions';
import { history } from './history';
import { send } from './send';
import { messages } from './store';

const path = (id: number) => ({ params: { path: { id } } });

/** Whether an agent wrote it, so that it can be written to. */
export const isPerson = (sender: string): boolean => sender !== 'system' && sender !== 'reminder';

/** The unread messages of a sender to the operator, the latest first. */
export const unreadOf = (sender: string): readonly Message[] =>
  messages.inbox.value.filter(({ from, acked_at }) => from === sender && acked_at == null);

/** The ids of all unread messages of a sender to the operator: the page holds only the newest of the inbox. */
async function allUnreadOf(sender: string): Promise<number[]> {
  const ids: number[] = [];
  for (let before: number | null = null; ; ) {
    const { messages: page } = await history({ agent: sender, with: 'operator', state: 'unread' }, before);
    const first = page[0];
    if (first === undefined) return ids;
    ids.push(...page.filter(({ from, to }) => from === sender && to === 'operator').map(({ id }) => id));
    before = first.id;
  }
}

/** Marks the unread messages of a sender as done; they become unread again. */
export function acknowledge(sender: string): Action {
  let ids: readonly number[] = [];
  return {
    id: 'acknowledge',
    label: '✓ 4CK',
    of: `${unreadOf(sender).length === 1 ? 'the message' : 'the messages'} of ${sender}`,
    key: 'done',
    run: async () => {
      ids = await allUnreadOf(sender);
      if (ids.length > 0) await api.POST('/api/messages/ack', { body: { ids: [...ids] } });
    },
    undo: () => Promise.all(ids.map(unread)),
  };
}

interface Reply {
  label: Wired;
  /** What it is about: the name of its draft. */
  about: string;
  /** What is done with what was replied to. */
  after: readonly Action[];
}

/** Writes to an agent, and is done with what it wrote. */
export const replyTo = (agent: string, { label, about, after }: Reply): WithText => ({
  id: 'reply',
  label,
  of: `to ${agent}`,
  key: 'reply',
  target: `reply:${about}`,
  placeholder: `write to ${agent}`,
  what: 'a message',
  reader: agent,
  action: (body) => ({
    id: 'reply',
    label,
    of: `to ${agent}`,
    run: async () => {
      const [latest] = unreadOf(agent);
      await send({ to: agent, body, ...(latest === undefined ? {} : { in_reply_to: latest.id }) });
      // The host has the message: what fails from here on must not have it sent again.
      for (const { label, of, run } of after)
        await run().catch((e: unknown) => {
          refusal.value = `Sent to ${agent}. Not done after it: ${LABELS[label]} ${of}: ${words(e)}`;
        });
    },
  }),
});

export const retryParked = (id: number): Action => ({
  id: 'retry message',
  label: '↻ R3TRY',
  of: `message ${id}`,
  key: 'approve',
  weight: 'primary',
  run: () => api.POST('/api/messages/{id}/retry', path(id)),
});

/** Its recipient never gets it. */
export const dropParked = (id: number): Action => ({
  id: 'drop message',
  label: '✗ DR0P',
  of: `message ${id}`,
  key: 'deny',
  weight: 'danger',
  hold: true,
  run: () => api.POST('/api/messages/{id}/drop', path(id)),
});
