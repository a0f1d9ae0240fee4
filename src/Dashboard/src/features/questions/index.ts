import type { Feature } from '../../ui/feature';
import { eventsOf } from './events';
import { questions } from './store';
import './section.css';

export { answer, cancel } from './actions';
export { answered, betweenAgents, questionOf } from './beside';
export { draftOf } from './draft';
export { isExpired } from './question';
export { questions } from './store';

export const feature: Feature = {
  name: 'questions',
  store: { snapshot: (snapshot) => questions.snapshot(snapshot), events: eventsOf(questions) },
};
