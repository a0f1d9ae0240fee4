import type { Feature } from '../../ui/feature';
import { eventsOf, news } from './events';
import { messages } from './store';
import './section.css';

export { Inbox } from './inbox';
export { markOf } from './message-log';
export { Parked } from './parked';
export { messages } from './store';
export { EventJson, MessageText } from './text';
export { type Piece, plainly, toldBy } from './told';

export const feature: Feature = {
  name: 'messages',
  store: {
    snapshot: (snapshot) => messages.snapshot(snapshot),
    events: eventsOf(messages),
    read: (stopped) => messages.read(stopped),
  },
  news,
  waiting: messages.waiting,
};
