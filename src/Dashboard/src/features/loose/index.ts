import type { Feature } from '../../ui/feature';
import './section.css';

export { Items } from './section';
export { ends } from './store';

export const feature: Feature = {
  name: 'loose',
};
