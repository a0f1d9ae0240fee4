import type { Feature } from '../../ui/feature';

export const feature: Feature = { name: 'system' };
