import { acknowledge, isPerson, replyTo } from '../features/messages';
import { Part } from '../ui/part';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'message',
  name: 'message',
  does: () => 'wrote to you',
  view: new Part(async () => (await import('../features/messages/waiting-message')).MessagesDetail),
  draft: ({ id }) => `reply:${id}`,
  actions: ({ id }) => [acknowledge(id)],
  withText: ({ id }) => (isPerson(id) ? [replyTo(id, { label: '↩ T4LK', about: id, after: [acknowledge(id)] })] : []),
};
