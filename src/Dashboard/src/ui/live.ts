import { Live } from '../stream/live';

/** The page's one connection to the host, and what it knows of it. */
export const live = new Live();
