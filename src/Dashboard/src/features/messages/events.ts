import type { Handlers } from '../../stream/picture';
import type { NewsOf } from '../../ui/feature';
import type { Messages } from './store';
import { plainly, toldBy } from './told';

/** Hands the events of messages to the store. */
export function eventsOf(messages: Messages): Handlers {
  return {
    sent: ({ kind, message }) => messages.changed(kind, message),
    delivered: ({ kind, message }) => messages.changed(kind, message),
    acked: ({ kind, message }) => messages.changed(kind, message),
    requeued: ({ kind, message }) => messages.changed(kind, message),
    parked: ({ kind, message }) => messages.changed(kind, message),
    dropped: ({ kind, message }) => messages.changed(kind, message),
  };
}

/** A message to the operator is worth a notification. */
export const news: NewsOf = {
  sent: ({ message: { id, from, to, body } }) => {
    if (to !== 'operator') return null;
    const told = toldBy(from, body);
    return { title: `${from} → you`, body: told === null ? body : plainly(told), tag: `message-${id}` };
  },
};
