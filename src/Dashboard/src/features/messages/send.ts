import { api } from '../../api/client';

interface Outgoing {
  to: string;
  body: string;
  in_reply_to?: number;
}

/** What was asked of the host last and may not have arrived. */
let unsure: { of: string; key: string } | null = null;

const newKey = (): string => [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16)).join('-');

/**
 * Sends a message. A second try at the same one carries the same key, so that an answer that was lost on its way does
 * not make two messages of it.
 */
export async function send(message: Outgoing): Promise<void> {
  const of = JSON.stringify(message);
  if (unsure?.of !== of) unsure = { of, key: newKey() };
  await api.POST('/api/messages/send', { body: { ...message, key: unsure.key } });
  unsure = null;
}
