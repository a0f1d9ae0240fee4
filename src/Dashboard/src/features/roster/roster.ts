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
  /** The agent's work, or why it does nothing. */
  doing: string;
  /** The cost of its turns in 24 hours; null while unknown. */
  cost: { text: string; usd: number } | null;
}

export const SORTS = ['state', 'name', 'model', 'context', 'cost', 'unread'] as const;
export type Sort = (typeof SORTS)[number];

/** By what the rows can be grouped. */
export const GROUPINGS = ['none', 'state', 'model', 'role', 'runtime'] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** Of columns whose figures are best read from the highest. */
export const DOWN: ReadonlySet<Sort> = new Set(['context', 'cost', 'unread']);

export interface Wanted {
  text: string;
  group: Group | null;
  sort: Sort;
  /** The other way round: `-name` in the address. */
  reversed: boolean;
  by: Grouping;
}

/** A row of the roster: a line, or the head of a group. */
export type Item = { key: string; line: Line } | { key: string; head: string; lines: readonly Line[]; folded: boolean };

/** The address's filter; anything unknown is left out. */
export function wantedOf(query: URLSearchParams): Wanted {
  const order = query.get('sort') ?? '';
  const reversed = order.startsWith('-');
  const sort = SORTS.find((one) => one === (reversed ? order.slice(1) : order));
  return {
    text: query.get('q') ?? '',
    group: GROUPS.find((group) => group === query.get('state')) ?? null,
    sort: sort ?? 'state',
    reversed: reversed && sort !== undefined,
    by: GROUPINGS.find((by) => by === query.get('group')) ?? 'none',
  };
}

/** The member of the address for an order; null for the usual one. */
export const orderText = (sort: Sort, reversed: boolean): string | null =>
  reversed ? `-${sort}` : sort === 'state' ? null : sort;

/** The agent's work, or why it does nothing. */
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
export function shownLines(lines: readonly Line[], { text, group, sort, reversed }: Wanted): Line[] {
  const way = reversed ? -1 : 1;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return lines
    .filter((line) => group === null || line.group === group)
    .filter((line) => {
      const all = words.length === 0 ? '' : wordsOf(line);
      return words.every((word) => all.includes(word));
    })
    .toSorted((a, b) => (sort === 'name' ? way * byName(a, b) : way * ORDERS[sort](a, b) || byName(a, b)));
}

/** The name of a line's group. */
export function groupName({ agent, group }: Line, by: Grouping): string {
  if (by === 'none') return '';
  if (by === 'state') return group;
  if (agent === null) return 'being made';
  if (by === 'model') return agent.active_model ?? 'no model yet';
  return by === 'role' ? agent.role : agent.runtime;
}

/** The lines under the heads of their groups; a group is where its name is in the order of names, or of states. */
export function itemsOf(lines: readonly Line[], by: Grouping, folded: ReadonlySet<string>): Item[] {
  const item = (line: Line): Item => ({ key: line.name, line });
  if (by === 'none') return lines.map(item);
  const groups = new Map<string, Line[]>();
  for (const line of lines) {
    const name = groupName(line, by);
    const known = groups.get(name);
    if (known === undefined) groups.set(name, [line]);
    else known.push(line);
  }
  const order = (name: string): string =>
    by === 'state' ? `${(GROUPS as readonly string[]).indexOf(name)}` : `${Number(name !== 'manager')} ${name}`;
  return [...groups]
    .toSorted(([a], [b]) => (order(a) < order(b) ? -1 : 1))
    .flatMap(([name, members]): Item[] => {
      // No agent has a colon in its name.
      const head = { key: `${by}:${name}`, head: name, lines: members, folded: folded.has(`${by}:${name}`) };
      return head.folded ? [head] : [head, ...members.map(item)];
    });
}

/**
 * The names of the chosen lines, when heads are among what was chosen. A head alone stands for its lines, all of them
 * or none; in a range, the lines of an open group are chosen themselves, and those of a folded one go with their head.
 * All rows, when all were chosen before, are none.
 */
export function chosenNames(
  chosen: ReadonlySet<string>,
  items: readonly Item[],
  before: ReadonlySet<string>,
): Set<string> {
  const names = new Set(chosen);
  const heads = items.flatMap((item) => ('head' in item && names.delete(item.key) ? [item] : []));
  const isSame = () => names.size === before.size && [...before].every((name) => names.has(name));
  const [head] = heads;
  if (head !== undefined && heads.length === 1 && isSame()) {
    const all = head.lines.every(({ name }) => names.has(name));
    for (const { name } of head.lines)
      if (all) names.delete(name);
      else names.add(name);
    return names;
  }
  for (const { folded, lines } of heads) if (folded) for (const { name } of lines) names.add(name);
  return heads.length > 0 && isSame() && items.every(({ key }) => chosen.has(key)) ? new Set() : names;
}

/** The chosen agents among the lines that are shown: a filter hides the others from every action. */
export const selectedOf = (shown: readonly Line[], chosen: ReadonlySet<string>): Agent[] =>
  shown.flatMap(({ name, agent }) => (chosen.has(name) && agent !== null ? [agent] : []));

/** The accessible name of a row. */
export const nameOfItem = (item: Item): string =>
  'line' in item
    ? nameOfLine(item.line)
    : `Group ${visible(item.head)}, ${item.lines.length} ${item.lines.length === 1 ? 'agent' : 'agents'}, ${item.folded ? 'folded' : 'open'}`;

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
