import { Logs } from './drawer';

/** The log of an agent in the side panel. */
export const logPanel = (name: string) => <Logs name={name} />;
