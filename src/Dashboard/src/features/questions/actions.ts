import { api } from '../../api/client';
import type { Question } from '../../api/types';
import type { Action } from '../../ui/action';
import { answerDraft, keepAnswer } from './draft';
import { nothing } from './question';

const path = (id: number) => ({ params: { path: { id } } });

/** Cancels a question: its asker is told so instead of an answer. */
export const cancel = (id: number, asker: string): Action => ({
  id: 'cancel question',
  label: '✗ CANC3L',
  of: `${id} of ${asker}`,
  key: 'deny',
  weight: 'danger',
  hold: true,
  run: () => api.POST('/api/questions/{id}/cancel', path(id)),
});

export const answer = (question: Question, text: string): Action => ({
  id: 'answer',
  label: question.target == null ? '↩ 4NSW3R' : '↩ 0V3RR1D3',
  of: `${question.id} of ${question.asker}`,
  run: async () => {
    const { text: written } = answerDraft(question);
    await api.POST('/api/questions/{id}/answer', { ...path(question.id), body: { answer: text } });
    // Text that was typed in the meantime stays.
    const now = answerDraft(question).text;
    keepAnswer(question, { ...nothing, text: now === written ? '' : now });
  },
});
