import { api } from '../../api/client';
import type { Message } from '../../api/types';
import type { Action } from '../../ui/action';
import type { Wired } from '../../ui/labels';
import type { WithText } from '../../ui/registry';
import { unread } from './actions';
import { send } from './send';
import { messages } from './store';

const path = (id: number) => ({ params: { path: { id } } });

/** Whether an agent wrote it, so that it can be written to. */
export const isPerson = (sender: string): boolean => sender !== 'system' && sender !== 'reminder';

/** The unread messages of a sender to the operator, the latest first. */
export const unreadOf = (sender: string): readonly Message[] =>
  messages.inbox.value.filter(({ from, acked_at }) => from === sender && acked_at == null);

/** Marks the unread messages of a sender as done; they become unread again. */
export function acknowledge(sender: string): Action {
  const ids = unreadOf(sender).map(({ id }) => id);
  return {
    id: 'acknowledge',
    label: '✓ 4CK',
    of: `${ids.length === 1 ? 'the message' : `${ids.length} messages`} of ${sender}`,
    key: 'done',
    run: () => api.POST('/api/messages/ack', { body: { ids } }),
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
  action: (body) => ({
    id: 'reply',
    label,
    of: `to ${agent}`,
    run: async () => {
      const [latest] = unreadOf(agent);
      await send({ to: agent, body, ...(latest === undefined ? {} : { in_reply_to: latest.id }) });
      for (const action of after) await action.run();
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
