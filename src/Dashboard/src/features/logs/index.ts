import type { Feature } from '../../ui/feature';
import { logPanel } from './panel';
import './section.css';

export const feature: Feature = { name: 'logs', panels: { log: logPanel } };
