import type { Feature } from '../../ui/feature';
import { rendering } from './rendering';
import './section.css';

export { beginning } from './refs';
export { AgentText, useFiles } from './text';

export const feature: Feature = { name: 'files', parts: [rendering] };
