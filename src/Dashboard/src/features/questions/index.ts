import type { Feature } from '../../ui/feature';
import { eventsOf, news } from './events';
import { QuestionsSection } from './section';
import { questions } from './store';
import './section.css';

export { filter } from './state';
export { questions } from './store';

export const feature: Feature = {
  name: 'questions',
  store: { snapshot: (snapshot) => questions.snapshot(snapshot), events: eventsOf(questions) },
  news,
  waiting: questions.waiting,
  sections: [{ column: 'list', order: 60, view: QuestionsSection }],
};
