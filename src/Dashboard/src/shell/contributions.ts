import {
  type AgentTab,
  agentTabs,
  type CommandSource,
  commandSources,
  type Place,
  places,
  type WaitingKind,
  waitingKinds,
} from '../ui/registry';

/** Modules of the page by their path. */
export type Modules = Readonly<Record<string, unknown>>;

/** The page's folders of contributions. */
export interface Contributions {
  places: Modules;
  tabs: Modules;
  waiting: Modules;
  commands: Modules;
}

/** The contributions of one file of each folder. */
const of = <T>(modules: Modules | undefined, name: string): T[] =>
  Object.entries(modules ?? {}).map(([path, module]) => {
    const found = (module as Record<string, unknown>)[name];
    if (found === undefined) throw new Error(`${path} exports no ${name}`);
    return found as T;
  });

/** An address with names comes after those without: `/agents` before `/agents/:name`. */
const named = ({ address }: Place): number => address.split(':').length;

/**
 * Takes every file of the page's folders of contributions: `places/`, `tabs/`, `waiting/`, `commands/`. A file that is
 * added there is on the page; no list names it.
 */
export function contribute(from: Partial<Contributions>): void {
  places.value = of<Place>(from.places, 'place').toSorted((a, b) => named(a) - named(b));
  agentTabs.value = of<AgentTab>(from.tabs, 'tab').toSorted((a, b) => a.order - b.order);
  waitingKinds.value = of<WaitingKind>(from.waiting, 'kind');
  if (from.commands !== undefined) contributeCommands(from.commands);
}

/** Takes every file of the palette's entries, which come after the first view. */
export function contributeCommands(commands: Modules): void {
  commandSources.value = of<CommandSource>(commands, 'source').toSorted((a, b) => a.order - b.order);
}
