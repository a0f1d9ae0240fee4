import type { Feature } from '../../ui/feature';
import { MakeAgentDialog } from './dialog';
import { firstRun, making } from './parts';
import './section.css';

export { firstRun } from './parts';

export const feature: Feature = {
  name: 'start',
  layers: [{ order: 10, view: MakeAgentDialog }],
  parts: [making, firstRun],
};
