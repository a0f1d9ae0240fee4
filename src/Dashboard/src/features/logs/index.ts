import type { Feature } from '../../ui/feature';
import './section.css';

export { LogsButton } from './button';

export const feature: Feature = { name: 'logs' };
