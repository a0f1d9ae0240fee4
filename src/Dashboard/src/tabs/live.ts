import { Part } from '../ui/part';
import type { AgentTab } from '../ui/registry';

export const tab: AgentTab = {
  name: 'live',
  order: 10,
  label: 'L1V3',
  view: new Part(async () => (await import('../features/agent/tab-live')).LiveTab),
};
