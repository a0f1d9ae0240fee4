import { Diff, idIn } from './diff';

/** The changes of an approval in the side panel. */
export const DiffPanel = ({ name }: { name: string }) => <Diff id={idIn(name)} />;
