import type { Agent, Transient } from '../../api/types';

/** What a row's buttons do at the host. */
export type Verb = 'start' | 'stop' | 'restart' | 'rebuild' | 'kill' | 'destroy' | 'purge';

/** The button of what is under way. */
const UNDER_WAY: Record<string, Verb> = {
  spawning: 'start',
  starting: 'start',
  stopping: 'stop',
  restarting: 'restart',
  rebuilding: 'rebuild',
  destroying: 'destroy',
};

export const underWay = (transient: Transient | undefined): Verb | null =>
  transient === undefined ? null : (UNDER_WAY[transient.kind] ?? null);

/**
 * What can be asked of an agent, at hand and (what takes something away) set aside. While it is stopped and started again it runs and does not run by turns:
 * the buttons stay what they were meanwhile.
 */
export function verbsOf(agent: Agent, transient: Transient | undefined): { atHand: Verb[]; aside: Verb[] } {
  const external = agent.runtime === 'external';
  const now = underWay(transient);
  const runs = now === 'start' ? false : now === 'stop' || now === 'restart' || agent.running;
  const atHand: Verb[] = external ? ['rebuild'] : runs ? ['stop', 'restart', 'rebuild'] : ['start', 'rebuild'];
  const aside: Verb[] = [
    ...(runs && !external ? (['kill'] as const) : []),
    ...(agent.role === 'manager' ? [] : (['destroy', 'purge'] as const)),
  ];
  return { atHand, aside };
}

/** What `update-all` is for. */
export const wantsUpdate = (agent: Agent): boolean => agent.needs_update || agent.failed;
