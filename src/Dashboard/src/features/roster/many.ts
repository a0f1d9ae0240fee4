import type { Agent } from '../../api/types';
import { type Action, together } from '../../ui/action';
import { counted } from '../../ui/text/figures';
import { pauseOrResume, verbAction, verbsOf } from '../containers';

/** The actions on several agents at once: each with the agents that it fits. */
export function manyActions(agents: readonly Agent[]): Action[] {
  const one = (actions: readonly Action[]): Action[] => {
    const [first, ...rest] = actions;
    return first === undefined ? [] : [together(counted(actions.length, 'agent'), [first, ...rest])];
  };
  const verbs = ['start', 'stop', 'restart', 'rebuild'] as const;
  return [
    ...one(agents.filter(({ paused }) => !paused).map(pauseOrResume)),
    ...one(agents.filter(({ paused }) => paused).map(pauseOrResume)),
    ...verbs.flatMap((verb) =>
      one(
        agents
          .filter((agent) => verbsOf(agent, undefined).atHand.includes(verb))
          .map((agent) => verbAction(verb, agent)),
      ),
    ),
  ];
}
