import type { Feature } from '../../ui/feature';
import { eventsOf, news } from './events';
import { Inbox } from './inbox';
import { Parked } from './parked';
import { Flow } from './section';
import { messages } from './store';
import './section.css';

export { markOf } from './message-log';
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
  sections: [
    { column: 'list', order: 50, view: Parked },
    { column: 'list', order: 90, view: Inbox },
    { column: 'beside', order: 10, view: Flow },
  ],
};
