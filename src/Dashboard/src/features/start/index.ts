import type { Feature } from '../../ui/feature';
import { MakeAgentDialog } from './dialog';
import './section.css';

export { openMaking } from './dialog';
export { FirstRun } from './first-run';

export const feature: Feature = { name: 'start', layers: [{ order: 10, view: MakeAgentDialog }] };
