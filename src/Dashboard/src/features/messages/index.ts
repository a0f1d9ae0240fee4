import type { Feature } from '../../ui/feature';
import { Part } from '../../ui/part';
import { agents, files, numbered } from './completers';
import { ComposeBar, composeBox } from './compose';
import { eventsOf } from './events';
import { messages } from './store';
import './section.css';

export { addressOf, drop, panelOf, retry } from './actions';
export { control, type HarnessControl } from './commands';
export { textTo } from './lines';
export type { Flow } from './message-log';
export { Prompt } from './prompt';
export { toOf, writeTo } from './recipient';
export { messages } from './store';
export { lineOf, MessageText } from './text';

export { acknowledge, isPerson, replyTo } from './waiting';

export const feature: Feature = {
  name: 'messages',
  store: {
    snapshot: (snapshot) => messages.snapshot(snapshot),
    events: eventsOf(messages),
    read: (stopped) => messages.read(stopped),
  },
  panels: { message: new Part(async () => (await import('./panel')).MessagePanel) },
  bottom: [{ order: 10, view: ComposeBar }],
  completers: [agents, numbered, files],
  parts: [composeBox],
};
