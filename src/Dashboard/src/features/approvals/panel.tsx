import { Diff } from './diff';

/** The changes of an approval in the side panel. */
export const diffPanel = (id: string) => <Diff id={Number(id)} />;
