import { replyTo } from '../features/messages';
import { see } from '../features/waiting';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'question_expired',
  name: 'expired',
  does: () => 'asked you, and went on without an answer',
  draft: ({ id }) => `reply:late-${id}`,
  actions: (row) => [see(row)],
  withText: (row) =>
    row.agent == null
      ? []
      : [replyTo(row.agent, { label: '↩ 4NSW3R L4T3', about: `late-${row.id}`, after: [see(row)] })],
};
