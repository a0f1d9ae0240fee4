import { api } from '../../api/client';
import { once } from '../../ui/once';

interface Outgoing {
  to: string;
  body: string;
  in_reply_to?: number;
}

/** A message to be sent; an answer that was lost on its way does not make two messages of it. */
export const sending = (message: Outgoing): (() => Promise<unknown>) =>
  once(JSON.stringify(message), (key) => api.POST('/api/messages/send', { body: { ...message, key } }));

export const send = (message: Outgoing): Promise<unknown> => sending(message)();
