import type { Agent } from '../api/types';
import { actionsOf, containers } from '../features/containers';
import { control, type HarnessControl, textTo, toOf, writeTo } from '../features/messages';
import { type Action, perform } from '../ui/action';
import { activityOf } from '../ui/activity';
import { drafts } from '../ui/draft';
import { LABELS, type Wired } from '../ui/labels';
import { go } from '../ui/link';
import type { Command, CommandSource, Step } from '../ui/registry';
import { tell } from '../ui/told';

/** Of more agents that the typed words fit, only these many show all that can be done with them. */
const MOST = 5;

/** The tabs of an agent's place that have an entry of their own. */
const TABS = ['messages', 'turns', 'files', 'config', 'log'] as const;

/** Whether a word that was typed begins the name, with or without an @, or is in it. */
const fits = (name: string, words: readonly string[]): boolean =>
  words.some((word) => word.length > 1 && name.includes(word.replace(/^@/, '')));

const agentsNow = (): Agent[] => [...containers.agents.value.values()];
const stateOf = (agent: Agent): string => activityOf(agent, containers.transients.value.get(agent.name)).state;

/** Asks a harness for something, and has it said. */
const harness = (name: string, asked: HarnessControl, action: Pick<Action, 'id' | 'label'>): Action => ({
  ...action,
  of: name,
  run: async () => {
    await control(name, asked);
    tell(asked.done);
  },
});

/** The requests to an agent's harness that take no argument. */
const harnessActions = (name: string): Action[] => [
  harness(
    name,
    { route: 'compact', body: {}, done: `The conversation of ${name} is compacted before its next turn.` },
    { id: 'compact', label: '⇊ C0MP4CT' },
  ),
  harness(
    name,
    { route: 'new-session', body: {}, done: `The next turn of ${name} starts without the old conversation.` },
    { id: 'new-session', label: '⊕ N3W S3SS10N' },
  ),
  {
    ...harness(
      name,
      { route: 'login', body: {}, done: `The login of ${name} starts.` },
      { id: 'login', label: '▶ L0G 1N' },
    ),
    run: async () => {
      await control(name, { route: 'login', body: {}, done: '' });
      go(`/agents/${name}`);
    },
  },
];

const useModel = (name: string, model: string | null): Action =>
  harness(
    name,
    {
      route: 'model',
      body: model === null ? {} : { model },
      done: `${name} uses ${model ?? 'its configured model'} from its next turn.`,
    },
    { id: 'model', label: '◈ M0D3L' },
  );

/** Which model: one that an agent uses, the configured one, or the typed name. */
const whichModel = (name: string): Step => ({
  title: `Which model for ${name}?`,
  entries: (typed) => {
    const known = new Set(agentsNow().flatMap(({ active_model }) => active_model ?? []));
    const own = typed.trim();
    if (own !== '' && !/\s/.test(own)) known.add(own);
    return [
      ...[...known].map((model) => ({
        id: `model ${model}`,
        title: model,
        group: 'model',
        run: () => perform(useModel(name, model)),
      })),
      { id: 'model', title: 'the configured model', group: 'model', run: () => perform(useModel(name, null)) },
    ];
  },
});

const whatTo = (name: string): Step => ({
  title: `What to say to ${name === '*' ? 'every agent' : name}?`,
  text: textTo(name),
});

/** Which agent: the argument of what follows. */
const which = (
  title: string,
  then: (name: string) => Pick<Command, 'run' | 'asks'>,
  everyone = false,
  fitting: (name: string) => boolean = () => true,
): Step => ({
  title,
  entries: () => [
    ...agentsNow()
      .filter(({ name }) => fitting(name))
      .map((agent) => ({
        id: `which ${agent.name}`,
        title: `@${agent.name}`,
        group: drafts.has(toOf(agent.name)) ? `${stateOf(agent)} · ✎ draft` : stateOf(agent),
        ...then(agent.name),
      })),
    ...(everyone ? [{ id: 'which *', title: 'every agent', group: '', ...then('*') }] : []),
  ],
});

const entryOf = (action: Action, id: string, group: string): Command => ({
  id,
  title: `${LABELS[action.label]} ${action.of}`,
  label: action.label,
  group,
  ...(action.key === undefined ? {} : { key: action.key }),
  run: () => perform(action),
});

/** Everything that can be done with an agent. */
export function commandsOf(agent: Agent, group = 'agent'): Command[] {
  const { name } = agent;
  const id = `agent ${name}`;
  return [
    { id: `${id} send`, title: `Send to ${name}`, group, label: 'T4LK', asks: () => whatTo(name) },
    { id: `${id} write`, title: `Write to ${name} in its box`, group, run: () => writeTo(name) },
    ...TABS.map((tab) => ({
      id: `${id} ${tab}`,
      title: `@${name} ${tab}`,
      group,
      run: () => go(`/agents/${name}/${tab}`),
    })),
    ...agentActions(agent).map((action) => entryOf(action, `${id} do ${action.id}`, group)),
    { id: `${id} model`, title: `Use model: ${name}`, label: '◈ M0D3L', group, asks: () => whichModel(name) },
    ...harnessActions(name).map((action) => entryOf(action, `${id} do ${action.id}`, group)),
  ];
}

/** Other words for what is done with an agent. */
const WORDS: Partial<Record<Wired, string>> = {
  '▶ ST4RT': 'run launch',
  '■ ST0P': 'halt end shut down',
  '↻ R3ST4RT': 'reboot',
  '↻ R3BU1LD': 'recreate update',
  '✗ K1LL': 'terminate end now',
  DESTR0Y: 'remove delete',
  PURG3: 'remove delete data for good',
  '‖ P4US3': 'suspend wait',
  '▶ R3SUM3': 'continue unpause',
  '♪ MUT3': 'silence quiet',
  '■ C4NC3L TURN': 'interrupt abort',
};

const agentActions = (agent: Agent): Action[] => actionsOf(agent, containers.transients.value.get(agent.name));

/** Everything that can be done with some agent now, which then is asked for. */
function perAgent(): Command[] {
  const able = new Map<Wired, Map<string, Action>>();
  for (const agent of agentsNow())
    for (const action of agentActions(agent))
      able.set(action.label, (able.get(action.label) ?? new Map()).set(agent.name, action));
  return [...able].map(([label, of]): Command => {
    const words = WORDS[label];
    return {
      id: `any ${label}`,
      title:
        label === '↳ L0GS' || label === '■ C4NC3L TURN' ? `${LABELS[label]} of an agent` : `${LABELS[label]} an agent`,
      label,
      group: 'agents',
      ...(words === undefined ? {} : { words }),
      asks: () =>
        which(
          `${LABELS[label]}: which agent?`,
          (name) => ({ run: () => of.get(name) && perform(of.get(name) as Action) }),
          false,
          (name) => of.has(name),
        ),
    };
  });
}

/** A command that asks for an agent first. */
const asking = (): Command[] => [
  {
    id: 'send',
    title: 'Send a message to an agent',
    label: 'T4LK',
    group: 'agents',
    asks: () => which('To whom?', (name) => ({ asks: () => whatTo(name) }), true),
  },
  {
    id: 'model',
    title: 'Use another model',
    label: '◈ M0D3L',
    group: 'agents',
    asks: () => which('The model of which agent?', (name) => ({ asks: () => whichModel(name) })),
  },
  ...perAgent(),
  ...harnessActions('').map(
    ({ id, label }): Command => ({
      id,
      title: `${LABELS[label]} an agent`,
      label,
      group: 'agents',
      asks: () =>
        which(`${LABELS[label]}: which agent?`, (name) => ({
          run: () => harnessActions(name).flatMap((action) => (action.id === id ? [perform(action)] : [])),
        })),
    }),
  ),
];

/** Every agent, and for those that the typed words fit everything that can be done with them. */
export const source: CommandSource = {
  order: 30,
  entries: (typed) => {
    const words = typed.toLowerCase().trim().split(/\s+/);
    const agents = agentsNow();
    const opened = agents.map(
      (agent): Command => ({
        id: `agent ${agent.name}`,
        title: `@${agent.name}`,
        group: `agent · ${stateOf(agent)}`,
        run: () => go(`/agents/${agent.name}`),
      }),
    );
    const meant = agents.filter(({ name }) => fits(name, words)).slice(0, MOST);
    return [...opened, ...asking(), ...meant.flatMap((agent) => commandsOf(agent))];
  },
};
