import type { Feature } from '../../ui/feature';
import { eventsOf, news } from './events';
import { questions } from './store';
import './section.css';

export { QuestionsSection } from './section';
export { filter } from './state';
export { questions } from './store';

export const feature: Feature = {
  name: 'questions',
  store: { snapshot: (snapshot) => questions.snapshot(snapshot), events: eventsOf(questions) },
  news,
  waiting: questions.waiting,
};
