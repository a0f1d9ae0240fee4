import { actionsOf, containers } from '../features/containers';
import { perform } from '../ui/action';
import { activityOf } from '../ui/activity';
import { LABELS } from '../ui/labels';
import { go } from '../ui/link';
import type { Command, CommandSource } from '../ui/registry';

/** Of more agents that the typed words fit, only these many show all that can be done with them. */
const MOST = 5;

/** The tabs of an agent's place that have an entry of their own. */
const TABS = ['messages', 'turns', 'files', 'config', 'log'] as const;

/** Whether a word that was typed begins the name, with or without an @, or is in it. */
const fits = (name: string, words: readonly string[]): boolean =>
  words.some((word) => word.length > 1 && name.includes(word.replace(/^@/, '')));

/** Every agent, and for those that the typed words fit everything that can be done with them. */
export const source: CommandSource = {
  order: 30,
  entries: (typed) => {
    const words = typed.toLowerCase().trim().split(/\s+/);
    const agents = [...containers.agents.value.values()];
    const opened = agents.map((agent): Command => {
      const { state } = activityOf(agent, containers.transients.value.get(agent.name));
      return {
        id: `agent ${agent.name}`,
        title: `@${agent.name}`,
        group: `agent · ${state}`,
        run: () => go(`/agents/${agent.name}`),
      };
    });
    const meant = agents.filter(({ name }) => fits(name, words)).slice(0, MOST);
    const done = meant.flatMap((agent): Command[] => {
      const { name } = agent;
      return [
        ...TABS.map((tab) => ({
          id: `agent ${name} ${tab}`,
          title: `@${name} ${tab}`,
          group: 'agent',
          run: () => go(`/agents/${name}/${tab}`),
        })),
        ...actionsOf(agent, containers.transients.value.get(name)).map(
          (action): Command => ({
            id: `agent ${name} do ${action.id}`,
            title: `${LABELS[action.label]} ${name}`,
            label: action.label,
            group: 'agent',
            ...(action.key === undefined ? {} : { key: action.key }),
            run: () => perform(action),
          }),
        ),
      ];
    });
    return [...opened, ...done];
  },
};
