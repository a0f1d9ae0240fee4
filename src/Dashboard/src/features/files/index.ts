import type { Feature } from '../../ui/feature';
import { Part } from '../../ui/part';
import { rendering } from './rendering';
import './section.css';

export { Content, isRendered, Viewer } from './content';
export { AgentText, linked } from './text';

export const feature: Feature = {
  name: 'files',
  parts: [rendering],
  panels: { file: new Part(async () => (await import('./viewer')).FilePanel) },
};
