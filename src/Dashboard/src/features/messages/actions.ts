import { api } from '../../api/client';
import type { Message } from '../../api/types';
import type { Action } from '../../ui/action';
import { copyAddress } from '../../ui/copy';
import { go } from '../../ui/link';
import { openPanel } from '../../ui/panel';
import { times } from './folding';
import { backedOffUntil, type FlowRow } from './message-log';
import { writeTo } from './recipient';

export const addressOf = (id: number): string => `/messages/${id}`;

/** The content that the side panel opens to show a message. */
export const panelOf = (id: number): string => `message:${id}`;

/** Whether a message waits to be read by the operator. */
export const isUnread = ({ to, acked_at }: Message): boolean => to === 'operator' && acked_at == null;

/** Whether delivery has failed, so that the operator may retry or drop the message. */
export const hasFailed = (row: FlowRow): boolean =>
  (row.message.parked_at != null && row.message.acked_at == null && !row.dropped) || backedOffUntil(row) !== null;

/** Makes a message to the operator unread again. */
export const unread = (id: number): Promise<unknown> =>
  api.POST('/api/messages/{id}/unread', { params: { path: { id } } });

/** The requests that are under way at once at most. */
const AT_ONCE = 8;

/** Makes many messages to the operator unread again. */
export async function allUnread(ids: readonly number[]): Promise<void> {
  for (let i = 0; i < ids.length; i += AT_ONCE) await Promise.all(ids.slice(i, i + AT_ONCE).map(unread));
}

/** The other side of a message, where it can be written to. */
export const otherOf = ({ from, to }: Message): string | null => {
  const other = from === 'operator' ? to : from;
  return other === 'system' || other === 'reminder' || other === 'operator' ? null : other;
};

/** Marks messages to the operator as done; unread again is the way back. */
export const done = (messages: readonly Message[]): Action => {
  const ids = messages.map(({ id }) => id);
  const of = ids.length === 1 ? `message ${ids[0]} of ${messages[0]?.from ?? ''}` : `${ids.length} messages`;
  return {
    id: `done ${ids.join(' ')}`,
    label: '✓ 4CK',
    of,
    key: 'done',
    run: () => api.POST('/api/messages/ack', { body: { ids } }),
    undo: () => allUnread(ids),
  };
};

/** Enough of a message to name it. */
type Named = Pick<Message, 'id' | 'to'>;

export const retry = ({ id, to }: Named): Action => ({
  id: `retry ${id}`,
  label: '↻ R3TRY',
  of: `message ${id} to ${to}`,
  run: () => api.POST('/api/messages/{id}/retry', { params: { path: { id } } }),
});

/** Its recipient never gets it. */
export const drop = ({ id, to }: Named): Action => ({
  id: `drop ${id}`,
  label: '✗ DR0P',
  of: `message ${id} to ${to}`,
  weight: 'danger',
  hold: true,
  run: () => api.POST('/api/messages/{id}/drop', { params: { path: { id } } }),
});

/** The actions on a message, the likeliest first. */
export function actionsOf(row: FlowRow): Action[] {
  const { message } = row;
  const { id } = message;
  const other = otherOf(message);
  const of = `of message ${id}`;
  return [
    ...(other === null
      ? []
      : [
          {
            id: `reply ${id}`,
            label: '↩ T4LK' as const,
            of: `to ${other}`,
            key: 'reply' as const,
            run: async () => writeTo(other, message.from === other ? message : null),
          },
        ]),
    ...(isUnread(message) ? [done([message])] : []),
    ...(message.to === 'operator' && message.acked_at != null
      ? [{ id: `unread ${id}`, label: '● UNR34D' as const, of: `message ${id}`, run: () => unread(id) }]
      : []),
    ...(hasFailed(row) ? [retry(message), drop(message)] : []),
    { id: `thread ${id}`, label: '⇄ THR34D', of, key: 'open', run: async () => go(addressOf(id)) },
    { id: `beside ${id}`, label: '⊞ B3S1D3', of, key: 'panel', run: async () => openPanel(panelOf(id)) },
    { id: `times ${id}`, label: '◷ T1M3S', of, run: async () => times.toggle(id) },
    { id: `copy ${id}`, label: '⎘ C0PY', of, key: 'copy', run: () => copyAddress(addressOf(id)) },
  ];
}
