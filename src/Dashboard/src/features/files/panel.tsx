import { FilePanel } from './viewer';

/** A file that a text names. */
export const filePanel = (path: string) => <FilePanel path={path} />;
