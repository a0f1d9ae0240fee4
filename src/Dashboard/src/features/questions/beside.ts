import type { Question, Waiting } from '../../api/types';
import { questions } from './store';

const rowOf = (kind: string, list: string, at: string, question: Question): Waiting => ({
  key: `${kind}-${question.id}`,
  kind,
  id: String(question.id),
  agent: question.asker,
  title: question.question,
  since_at: at,
  ...(question.deadline_at == null || question.answered_at != null ? {} : { deadline_at: question.deadline_at }),
  urgency: 'fyi',
  refs: question.question_refs,
  url: `/waiting/${kind}-${question.id}?show=${list}`,
});

/** The questions between agents, as rows of a list. */
export const betweenAgents = (): readonly Waiting[] =>
  questions.pending.value
    .filter(({ target }) => target != null)
    .map((question) => rowOf('peer_question', 'peers', question.asked_at, question));

/** The questions that were answered, expired or cancelled, the latest first. */
export const answered = (): readonly Waiting[] =>
  questions.answered.value.map((question) =>
    rowOf('answered_question', 'answered', question.answered_at ?? question.asked_at, question),
  );

/** The question of a row that waits. */
export const questionOf = (row: Pick<Waiting, 'id'>): Question | undefined =>
  questions.pending.value.find(({ id }) => String(id) === row.id);
