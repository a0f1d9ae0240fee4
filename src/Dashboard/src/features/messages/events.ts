import type { Handlers } from '../../stream/picture';
import type { Messages } from './store';

/** Hands the events of messages to the store. */
export function eventsOf(messages: Messages): Handlers {
  return {
    sent: ({ kind, message }) => messages.changed(kind, message),
    delivered: ({ kind, message }) => messages.changed(kind, message),
    acked: ({ kind, message }) => messages.changed(kind, message),
    requeued: ({ kind, message }) => messages.changed(kind, message),
    parked: ({ kind, message }) => messages.changed(kind, message),
    dropped: ({ kind, message }) => messages.changed(kind, message),
    messages_removed: ({ removed }) => messages.removed(removed),
  };
}
