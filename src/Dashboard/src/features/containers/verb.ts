import type { Agent, Transient } from '../../api/types';

/** The actions of a row's buttons. */
export type Verb = 'start' | 'stop' | 'restart' | 'rebuild' | 'kill' | 'destroy' | 'purge';

/** The button of each transient. */
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
 * The actions for an agent: those at hand, and set aside those that end or delete something. A restart stops and starts
 * the agent: its buttons stay the same in the meantime.
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

/** Whether `update-all` rebuilds the agent. */
export const wantsUpdate = (agent: Agent): boolean => agent.needs_update || agent.failed;
