import type { Feature } from '../../ui/feature';
import { Part } from '../../ui/part';
import './section.css';

export const feature: Feature = {
  name: 'logs',
  panels: { log: new Part(async () => (await import('./panel')).LogPanel) },
};
