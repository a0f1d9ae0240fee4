import { Part } from '../ui/part';
import type { AgentTab } from '../ui/registry';

export const tab: AgentTab = {
  name: 'log',
  order: 60,
  label: 'L0G',
  view: new Part(async () => (await import('../features/logs/tab-log')).LogTab),
};
