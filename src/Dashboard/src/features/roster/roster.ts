import type { Agent, Stats, Transient } from '../../api/types';
import { activityOf, GROUPS, type Group, groupOf } from '../../ui/activity';
import { visible } from '../../ui/text/visible';

import { costText } from '../stats';

/** A line of the roster; an agent that is being created has no row of the host yet. */
export interface Line {
  name: string;
  agent: Agent | null;
  transient: Transient | undefined;
  state: string;
  group: Group;
  /** What it does, or why it does nothing. */
  doing: string;
  /** The cost of its turns in 24 hours; null while unknown. */
  cost: { text: string; usd: number } | null;
}

export const SORTS = ['state', 'name', 'model', 'context', 'cost', 'unread'] as const;
export type Sort = (typeof SORTS)[number];

export interface Wanted {
  text: string;
  group: Group | null;
  sort: Sort;
}

/** What the address asks for; anything unknown is left out. */
export const wantedOf = (query: URLSearchParams): Wanted => ({
  text: query.get('q') ?? '',
  group: GROUPS.find((group) => group === query.get('state')) ?? null,
  sort: SORTS.find((sort) => sort === query.get('sort')) ?? 'state',
});

/** What an agent does, or why it does nothing. */
export function doingOf(agent: Agent, state: string): string {
  const note = agent.note ?? '';
  const said = agent.status_text ?? '';
  if (state === 'failed') return note || said;
  if (agent.missing != null && agent.missing !== '') return agent.missing;
  const { tool } = activityOf(agent);
  if (state === 'working' && tool != null && tool !== '') return said === '' ? tool : `${tool} · ${said}`;
  return said || note;
}

/** A line for each agent, and for each that is being created. */
export function linesOf(
  agents: ReadonlyMap<string, Agent>,
  transients: ReadonlyMap<string, Transient>,
  stats: Pick<Stats, 'agents'> | null,
): Line[] {
  const costs = new Map(stats?.agents.map((row) => [row.name, row]));
  const known = [...agents.values()].map((agent): Line => {
    const transient = transients.get(agent.name);
    const { state } = activityOf(agent, transient);
    const turns = costs.get(agent.name);
    const cost =
      stats === null
        ? null
        : turns === undefined
          ? { text: '–', usd: 0 }
          : { text: costText(turns), usd: turns.cost_usd };
    return { name: agent.name, agent, transient, state, group: groupOf(state), doing: doingOf(agent, state), cost };
  });
  const coming = [...transients.values()].filter(({ name, kind }) => kind === 'spawning' && !agents.has(name));
  return [
    ...known,
    ...coming.map(
      (transient): Line => ({
        name: transient.name,
        agent: null,
        transient,
        state: transient.kind,
        group: groupOf(transient.kind),
        doing: '',
        cost: null,
      }),
    ),
  ];
}

const byName = (a: Line, b: Line): number =>
  Number(b.agent?.role === 'manager') - Number(a.agent?.role === 'manager') || (a.name < b.name ? -1 : 1);

const contextOf = ({ agent }: Line): number => (agent === null ? -1 : (activityOf(agent).context_percent ?? -1));

const ORDERS: Record<Sort, (a: Line, b: Line) => number> = {
  state: (a, b) => GROUPS.indexOf(a.group) - GROUPS.indexOf(b.group),
  name: () => 0,
  model: (a, b) => (a.agent?.active_model ?? '~').localeCompare(b.agent?.active_model ?? '~'),
  context: (a, b) => contextOf(b) - contextOf(a),
  cost: (a, b) => (b.cost?.usd ?? 0) - (a.cost?.usd ?? 0),
  unread: (a, b) => (b.agent?.unread ?? 0) - (a.agent?.unread ?? 0),
};

const wordsOf = ({ name, state, doing, agent }: Line): string =>
  `${name} ${state} ${doing} ${agent?.active_model ?? ''} ${agent?.runtime ?? ''} ${agent?.role ?? ''}`.toLowerCase();

/** The lines that are wanted, in the wanted order. Every word of the text must occur in a line. */
export function shownLines(lines: readonly Line[], { text, group, sort }: Wanted): Line[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return lines
    .filter((line) => group === null || line.group === group)
    .filter((line) => {
      const all = words.length === 0 ? '' : wordsOf(line);
      return words.every((word) => all.includes(word));
    })
    .toSorted((a, b) => ORDERS[sort](a, b) || byName(a, b));
}

/** The lines in the order that they had; new ones at the end. */
export function heldOrder(lines: readonly Line[], before: readonly string[]): Line[] {
  const place = new Map(before.map((name, i) => [name, i]));
  const at = ({ name }: Line): number => place.get(name) ?? before.length;
  return lines.toSorted((a, b) => at(a) - at(b));
}

/** How many lines are in each group. */
export function counted(lines: readonly Line[]): Record<Group, number> {
  const counts: Record<Group, number> = { failed: 0, waits: 0, working: 0, held: 0, idle: 0, down: 0 };
  for (const { group } of lines) counts[group]++;
  return counts;
}

/** The accessible name of a line: all of it. */
export function nameOfLine({ name, state, doing, agent, cost }: Line): string {
  if (agent === null) return `${name}, ${state}`;
  const context = activityOf(agent).context_percent;
  return [
    name,
    state,
    visible(doing),
    agent.active_model ?? '',
    context == null ? '' : `context ${context} %`,
    cost === null || cost.text === '–' ? '' : `${cost.text} in 24 hours`,
    agent.unread === 0 ? '' : `${agent.unread} unread`,
    agent.parked === 0 ? '' : `${agent.parked} parked`,
    agent.needs_update ? 'needs update' : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
}
