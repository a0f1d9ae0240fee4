import type { Feature } from '../../ui/feature';
import { agents, files, numbered } from './completers';
import { ComposeBar, composeBox } from './compose';
import { eventsOf } from './events';
import { messages } from './store';
import './section.css';

export { addressOf } from './actions';
export { control, type HarnessControl } from './commands';
export { Prompt } from './prompt';
export { toOf, writeTo } from './recipient';
export { send } from './send';
export { messages } from './store';
export { EventJson, lineOf, MessageText } from './text';
export { type Piece, plainly, toldBy } from './told';

export { acknowledge, dropParked, isPerson, replyTo, retryParked } from './waiting';

export const feature: Feature = {
  name: 'messages',
  store: {
    snapshot: (snapshot) => messages.snapshot(snapshot),
    events: eventsOf(messages),
    read: (stopped) => messages.read(stopped),
  },
  bottom: [{ order: 10, view: ComposeBar }],
  completers: [agents, numbered, files],
  parts: [composeBox],
};
