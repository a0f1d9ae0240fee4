import type { Waiting } from '../../api/types';
import type { Feature } from '../../ui/feature';
import { Part } from '../../ui/part';
import type { Named } from './actions';
import { eventsOf } from './events';
import { NewTicketKey } from './make';
import { board } from './store';
import './section.css';
import './ticket/section.css';

export {
  approveTicket,
  cancelTask,
  failReview,
  passReview,
  rejectTicket,
  releaseTask,
  retryTask,
  skipTask,
  unblock,
} from './actions';
export { columnsOf, fullness, isOverlay } from './columns';
export { board } from './store';

/** The ticket, task or review of a waiting thing. */
export const namedBy = ({ id, title, deadline_at }: Waiting): Named => ({
  id: Number(id),
  title,
  ...(deadline_at == null ? {} : { approval_deadline_at: deadline_at }),
});

export const feature: Feature = {
  name: 'board',
  store: { snapshot: (snapshot) => board.snapshot(snapshot), events: eventsOf(board) },
  layers: [{ order: 20, view: NewTicketKey }],
  panels: {
    task: new Part(async () => (await import('./ticket/task')).TaskPanel),
    artifact: new Part(async () => (await import('./ticket/artifact')).ArtifactPanel),
  },
};
