import { Part } from '../../ui/part';

/** Renders Markdown. */
export const rendering = new Part(() => import('./markdown'));
