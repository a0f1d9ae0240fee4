import { Part } from '../../ui/part';

/** The form that makes an agent. */
export const making = new Part(async () => (await import('./make')).MakeAgent);

/** The page of a Hive without agents. */
export const firstRun = new Part(async () => (await import('./first-run')).FirstRun);
