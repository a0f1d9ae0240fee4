import type { Feature } from '../../ui/feature';
import { preferencesStore } from './store';

export const feature: Feature = { name: 'settings', store: preferencesStore };
