import { Live } from './model/live';
import { notify } from './ui/notify';

/** The page's one picture of the swarm. Drafts are in storage, so a reload loses nothing that was typed. */
export const live = new Live(notify, () => location.reload());
export const swarm = live.swarm;
