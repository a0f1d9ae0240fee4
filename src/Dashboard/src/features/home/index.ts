import type { Feature } from '../../ui/feature';
import './section.css';

export const feature: Feature = { name: 'home' };
