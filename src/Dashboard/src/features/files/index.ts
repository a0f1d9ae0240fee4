import type { Feature } from '../../ui/feature';
import { filePanel } from './panel';
import { rendering } from './rendering';
import './section.css';

export { AgentText, linked } from './text';

export const feature: Feature = {
  name: 'files',
  parts: [rendering],
  panels: { file: filePanel },
};
