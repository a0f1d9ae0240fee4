import type { Agent, Transient } from '../../api/types';
import { activityOf, GROUPS, type Group, groupOf } from '../../ui/activity';

export interface Worker {
  agent: Agent;
  transient: Transient | undefined;
  group: Group;
}

/** The groups that are listed one by one, in this order; of the others the overview shows the number. */
const LISTED: readonly Group[] = ['failed', 'working', 'held', 'waits'];

/** Every agent by its group, and those of the listed groups in the order of the overview. */
export function workOf(
  agents: Iterable<Agent>,
  transients: ReadonlyMap<string, Transient>,
): { counts: Readonly<Record<Group, number>>; listed: readonly Worker[] } {
  const counts = Object.fromEntries(GROUPS.map((group) => [group, 0])) as Record<Group, number>;
  const listed: Worker[] = [];
  for (const agent of agents) {
    const transient = transients.get(agent.name);
    const group = groupOf(activityOf(agent, transient).state);
    counts[group]++;
    if (LISTED.includes(group)) listed.push({ agent, transient, group });
  }
  const since = ({ agent, transient }: Worker): string => activityOf(agent, transient).since_at;
  listed.sort(
    (a, b) =>
      LISTED.indexOf(a.group) - LISTED.indexOf(b.group) ||
      since(a).localeCompare(since(b)) ||
      a.agent.name.localeCompare(b.agent.name),
  );
  return { counts, listed };
}

const BARS = '▁▂▃▄▅▆▇█';

/** How many bars a line has. */
const WIDTH = 24;

/** Values as a line of bars, each the sum of its neighbours where there are more of them than bars. */
export function bars(all: readonly number[]): string {
  const each = Math.max(1, Math.ceil(all.length / WIDTH));
  const values = Array.from({ length: Math.ceil(all.length / each) }, (_, i) =>
    all.slice(i * each, (i + 1) * each).reduce((sum, value) => sum + value, 0),
  );
  const most = Math.max(...values, 0);
  return values
    .map((value) => (value <= 0 || most === 0 ? '▁' : (BARS[Math.min(7, Math.ceil((value / most) * 8) - 1)] ?? ' ')))
    .join('');
}
