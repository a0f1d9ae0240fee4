import type { Feature } from '../../ui/feature';
import { LooseEndsSection } from './section';
import './section.css';

export { Items } from './section';
export { ends } from './store';

export const feature: Feature = {
  name: 'loose',
  sections: [{ column: 'list', order: 100, view: LooseEndsSection }],
};
