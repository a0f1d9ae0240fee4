import { answered } from '../features/questions';
import { Part } from '../ui/part';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'answered_question',
  name: 'answered',
  does: () => 'asked',
  view: new Part(async () => (await import('../features/questions/waiting-answered')).AnsweredDetail),
  beside: {
    name: 'answered',
    order: 20,
    label: 'answered',
    rows: answered,
    empty: 'No question has been answered yet.',
  },
};
