import { api } from '../../api/client';
import type { Question } from '../../api/types';
import type { Action } from '../../ui/action';
import { drafts } from '../../ui/draft';
import { BODY_BYTES } from '../../ui/text/bytes';
import { answerDraft, keepAnswer } from './draft';
import { CANCELLED, EXPIRED, nothing } from './question';
import { questions } from './store';

const path = (id: number) => ({ params: { path: { id } } });

/** Why a question cannot be decided any more; null while it waits. */
function overWith(id: number): string | null {
  if (questions.pending.value.some((question) => question.id === id)) return null;
  const ended = questions.answered.value.find((question) => question.id === id);
  if (ended === undefined) return `Question ${id} waits no longer`;
  if (ended.answer === EXPIRED) return `Question ${id} has expired`;
  if (ended.answer === CANCELLED) return `Question ${id} was cancelled`;
  return `Question ${id} was answered by ${ended.answerer ?? 'somebody'}`;
}

/** The parts that every decision has. */
const decision = (id: number) => ({
  hold: true,
  things: [`question ${id}`],
  over: () => overWith(id),
  deadline: questions.pending.value.find((question) => question.id === id)?.deadline_at,
  to: `/waiting/answered_question-${id}?show=answered`,
});

/** Cancels a question: its asker is told so instead of an answer. */
export const cancel = (id: number, asker: string): Action => ({
  id: 'cancel question',
  label: '✗ CANC3L',
  of: `${id} of ${asker}`,
  key: 'deny',
  weight: 'danger',
  ...decision(id),
  run: () => api.POST('/api/questions/{id}/cancel', path(id)),
});

/** Answers a question. Its draft stays in the hold, and goes with the request; a refusal brings it back. */
export const answer = (question: Question, text: string): Action => ({
  id: 'answer',
  label: question.target == null ? '↩ 4NSW3R' : '↩ 0V3RR1D3',
  of: `${question.id} of ${question.asker}`,
  ...decision(question.id),
  text,
  run: async () => {
    const draft = answerDraft(question);
    // Before the request: a page that is left sees no answer to it.
    keepAnswer(question, nothing);
    if (draft.text.length <= BODY_BYTES) drafts.remember(draft.text);
    try {
      await api.POST('/api/questions/{id}/answer', { ...path(question.id), body: { answer: text } });
    } catch (e) {
      const now = answerDraft(question).text;
      keepAnswer(question, { ...draft, text: now === '' ? draft.text : `${draft.text}\n${now}` });
      throw e;
    }
  },
});
