import { Live } from '../stream/live';

/** The page's connection to the host. */
export const live = new Live();
