import { Part } from '../ui/part';
import type { AgentTab } from '../ui/registry';

export const tab: AgentTab = {
  name: 'turns',
  order: 30,
  label: 'TURNS',
  view: new Part(async () => (await import('../features/agent/tab-turns')).TurnsTab),
};
