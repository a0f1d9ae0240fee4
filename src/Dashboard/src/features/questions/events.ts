import type { Handlers } from '../../stream/picture';
import type { Questions } from './store';

export function eventsOf(questions: Questions): Handlers {
  return {
    question_added: ({ question }) => questions.put(question),
    question_resolved: ({ question }) => questions.resolve(question),
  };
}
