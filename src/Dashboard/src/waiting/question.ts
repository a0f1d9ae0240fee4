import { cancel, draftOf, questionOf } from '../features/questions';
import { Part } from '../ui/part';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'question',
  name: 'question',
  does: () => 'asks you',
  view: new Part(async () => (await import('../features/questions/waiting-question')).QuestionDetail),
  draft: (row) => draftOf({ id: Number(row.id), asked_at: questionOf(row)?.asked_at ?? row.since_at }),
  actions: ({ id, agent }) => [cancel(Number(id), agent ?? '')],
};
