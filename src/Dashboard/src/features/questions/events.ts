import type { Handlers } from '../../stream/picture';
import type { NewsOf } from '../../ui/feature';
import { forOperator } from './question';
import type { Questions } from './store';

export function eventsOf(questions: Questions): Handlers {
  return {
    question_added: ({ question }) => questions.put(question),
    question_resolved: ({ question }) => questions.resolve(question),
  };
}

/** A question to the operator is worth a notification. */
export const news: NewsOf = {
  question_added: ({ question }) =>
    forOperator(question)
      ? { title: `${question.asker} asks you`, body: question.question, tag: `question-${question.id}` }
      : null,
};
