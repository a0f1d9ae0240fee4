import type { Feature } from '../../ui/feature';
import { preferencesStore } from './store';
import './section.css';

export const feature: Feature = { name: 'settings', store: preferencesStore };
