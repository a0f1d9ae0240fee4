import { Part } from '../ui/part';
import type { AgentTab } from '../ui/registry';

export const tab: AgentTab = {
  name: 'files',
  order: 40,
  label: 'F1L3S',
  view: new Part(async () => (await import('../features/agent/tab-files')).FilesTab),
};
