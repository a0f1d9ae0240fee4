import { Part } from '../ui/part';
import type { AgentTab } from '../ui/registry';

export const tab: AgentTab = {
  name: 'config',
  order: 50,
  label: 'C0NF1G',
  view: new Part(async () => (await import('../features/agent/tab-config')).ConfigTab),
};
