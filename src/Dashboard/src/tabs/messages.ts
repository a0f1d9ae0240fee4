import { Part } from '../ui/part';
import type { AgentTab } from '../ui/registry';

export const tab: AgentTab = {
  name: 'messages',
  order: 20,
  label: 'FL0W',
  view: new Part(async () => (await import('../features/messages/tab-messages')).AgentMessages),
};
