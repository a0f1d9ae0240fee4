import { betweenAgents, cancel, draftOf, questionOf } from '../features/questions';
import { Part } from '../ui/part';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'peer_question',
  name: 'question',
  does: (row) => `asks ${questionOf(row)?.target ?? 'an agent'}`,
  view: new Part(async () => (await import('../features/questions/waiting-question')).QuestionDetail),
  draft: (row) => draftOf({ id: Number(row.id), asked_at: row.since_at }),
  actions: ({ id, agent }) => [cancel(Number(id), agent ?? '')],
  beside: {
    name: 'peers',
    order: 10,
    label: 'between agents',
    rows: betweenAgents,
    empty: 'No agent waits for the answer of another.',
  },
};
