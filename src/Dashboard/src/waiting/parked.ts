import { drop, retry } from '../features/messages';
import { Part } from '../ui/part';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'parked',
  name: 'parked',
  does: () => 'could not take a message',
  view: new Part(async () => (await import('../features/messages/waiting-parked')).ParkedDetail),
  actions: ({ id, agent }) => {
    const message = { id: Number(id), to: agent ?? '' };
    return [
      { ...retry(message), key: 'approve', weight: 'primary' },
      { ...drop(message), key: 'deny' },
    ];
  },
};
