import { Part } from '../../ui/part';

/** Draws charts. */
export const drawing = new Part(() => import('./draw'));
