import { Diff, idIn } from './diff';

/** The changes of an approval in the side panel. */
export const diffPanel = (id: string) => <Diff id={idIn(id)} />;
