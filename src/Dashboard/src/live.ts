import { Live } from './model/live';
import { notify } from './ui/notify';

/** The host writes it into the document; the development server does not. */
const build = document.querySelector<HTMLMetaElement>('meta[name="hive-version"]')?.content ?? null;

/** The page's one picture of the swarm. Drafts are in storage, so a reload loses nothing that was typed. */
export const live = new Live(notify, () => location.reload(), build);
export const swarm = live.swarm;
