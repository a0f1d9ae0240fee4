import { replyTo } from '../features/messages';
import { see } from '../features/waiting';
import { Part } from '../ui/part';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'question_expired',
  name: 'expired',
  does: () => 'asked you, and went on without an answer',
  view: new Part(async () => (await import('../features/questions/waiting-expired')).ExpiredDetail),
  draft: ({ id }) => `reply:late-${id}`,
  actions: (row) => [see(row)],
  withText: (row) =>
    row.agent == null
      ? []
      : [replyTo(row.agent, { label: '↩ 4NSW3R L4T3', about: `late-${row.id}`, after: [see(row)] })],
};
