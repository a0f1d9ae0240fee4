import { api } from '../../api/client';
import { words } from '../../api/refusal';
import type { Message } from '../../api/types';
import type { Action } from '../../ui/action';
import { LABELS, type Wired } from '../../ui/labels';
import { refusal } from '../../ui/refused';
import type { WithText } from '../../ui/registry';
import { allUnread } from './actions';
import { history } from './history';
import { send } from './send';
import { messages } from './store';

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

/**
 * Marks the unread messages of a sender as done, up to the newest that is shown now: what is sent from here on nobody
 * has seen. They become unread again.
 */
export function acknowledge(sender: string): Action {
  const newest = unreadOf(sender)[0]?.id ?? Number.POSITIVE_INFINITY;
  let ids: readonly number[] = [];
  return {
    id: 'acknowledge',
    label: '✓ 4CK',
    of: `${unreadOf(sender).length === 1 ? 'the message' : 'the messages'} of ${sender}`,
    key: 'done',
    run: async () => {
      ids = (await allUnreadOf(sender)).filter((id) => id <= newest);
      if (ids.length > 0) await api.POST('/api/messages/ack', { body: { ids: [...ids] } });
    },
    undo: () => allUnread(ids),
  };
}

interface Reply {
  label: Wired;
  /** The subject of the reply: the name of its draft. */
  about: string;
  /** The actions on the message that was replied to. */
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
    // Another text, or one about something else, is another message.
    id: `reply ${about} ${body}`,
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
