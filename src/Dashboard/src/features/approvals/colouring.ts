import { Part } from '../../ui/part';

/** Finds the colours of a language. */
export const colouring = new Part(() => import('./highlight'));
