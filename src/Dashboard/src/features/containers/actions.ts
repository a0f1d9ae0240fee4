import { api } from '../../api/client';
import type { Agent, Transient } from '../../api/types';
import type { Action } from '../../ui/action';
import { activityOf } from '../../ui/activity';
import { changePreferences, setPreferences } from '../../ui/change-preferences';
import { togglePanel } from '../../ui/panel';
import { preferences } from '../../ui/preferences';
import { type Verb, verbsOf } from './verb';

const CUT = 'Messages it has not acknowledged are delivered again when it is started.';

/** Pauses agents or resumes them. */
const setPaused = (name: string, paused: boolean): Promise<unknown> =>
  api.POST('/api/agents/{name}/pause', { params: { path: { name } }, body: { paused } });

export const pauseOrResume = ({ name, paused }: Pick<Agent, 'name' | 'paused'>): Action => ({
  id: 'pause',
  label: paused ? '▶ R3SUM3' : '‖ P4US3',
  of: name,
  key: 'pause',
  undo: () => setPaused(name, paused),
  run: () => setPaused(name, !paused),
});

export const isStarred = (name: string): boolean => preferences.value.starred.includes(name);

export function starOrUnstar(name: string): Action {
  const starred = isStarred(name);
  return {
    id: 'star',
    label: starred ? '★ UNST4R' : '☆ ST4R',
    of: name,
    run: () => {
      const others = preferences.peek().starred.filter((other) => other !== name);
      return changePreferences({ starred: starred ? others : [...others, name] });
    },
  };
}

export const isMuted = (name: string): boolean => preferences.value.muted.includes(name);

function setMuted(name: string, muted: boolean): Promise<void> {
  const others = preferences.peek().muted.filter((other) => other !== name);
  return setPreferences({ muted: muted ? [...others, name] : others });
}

/** Switches an agent's notifications and sound off, or on again; its things still count. */
export function muteOrUnmute(name: string): Action {
  const muted = isMuted(name);
  return {
    id: 'mute',
    label: muted ? '♪ UNMUT3' : '♪ MUT3',
    of: name,
    undo: () => setMuted(name, muted),
    run: () => setMuted(name, !muted),
  };
}

/** The action of one of the host's verbs for an agent. */
export function verbAction(verb: Verb, { name }: Pick<Agent, 'name'>): Action {
  const at = { params: { path: { name } }, body: {} };
  const start = () => api.POST('/api/agents/{name}/start', at);
  const stop = () => api.POST('/api/agents/{name}/stop', at);
  switch (verb) {
    case 'start':
      return { id: verb, label: '▶ ST4RT', of: name, undo: stop, run: start };
    case 'stop':
      return { id: verb, label: '■ ST0P', of: name, undo: start, run: stop };
    case 'restart':
      return { id: verb, label: '↻ R3ST4RT', of: name, run: () => api.POST('/api/agents/{name}/restart', at) };
    case 'rebuild':
      return { id: verb, label: '↻ R3BU1LD', of: name, run: () => api.POST('/api/agents/{name}/rebuild', at) };
    case 'kill':
      return {
        id: verb,
        label: '✗ K1LL',
        of: name,
        weight: 'danger',
        confirm: {
          title: `Kill ${name}?`,
          text: `Its processes end at once, in the middle of its work. ${CUT}`,
          yes: `Kill ${name} now`,
          no: `Let ${name} run`,
        },
        run: () => api.POST('/api/agents/{name}/kill', at),
      };
    case 'destroy':
      return {
        id: verb,
        label: 'DESTR0Y',
        of: name,
        weight: 'danger',
        // The kept state revives it, without an approval.
        undo: () => api.POST('/api/tombstones/{name}/revive', { params: { path: { name } } }),
        run: () => api.POST('/api/agents/{name}/destroy', at),
      };
    case 'purge':
      return {
        id: verb,
        label: 'PURG3',
        of: name,
        weight: 'danger',
        confirm: {
          title: `Destroy ${name} and purge its data?`,
          text:
            'It is stopped and removed from the swarm, and its notes, credentials, configuration and inbox are ' +
            'permanently deleted. This cannot be undone.',
          yes: `Destroy and purge ${name} for good`,
          no: `Keep ${name}`,
        },
        run: () => api.POST('/api/agents/{name}/destroy', { ...at, body: { purge: true } }),
      };
  }
}

export const cancelTurn = (name: string): Action => ({
  id: 'cancel-turn',
  label: '■ C4NC3L TURN',
  of: name,
  weight: 'danger',
  confirm: {
    title: `Cancel the turn of ${name}?`,
    text: 'Its current work ends at once, and the messages of the turn are parked.',
    yes: `Cancel the turn of ${name}`,
    no: `Let ${name} finish`,
  },
  run: () => api.POST('/api/agents/{name}/cancel-turn', { params: { path: { name } } }),
});

export const showLog = (name: string): Action => ({
  id: 'log',
  label: '↳ L0GS',
  of: name,
  key: 'log',
  run: async () => togglePanel(`log:${name}`),
});

/**
 * Everything that can be done with an agent, the most used first, those that end or delete something last. While work
 * on its container is under way the host takes no other.
 */
export function actionsOf(agent: Agent, transient: Transient | undefined): Action[] {
  const { atHand, aside } = verbsOf(agent, transient);
  const free = transient === undefined;
  const inTurn = ['working', 'compacting'].includes(activityOf(agent, transient).state);
  return [
    pauseOrResume(agent),
    showLog(agent.name),
    starOrUnstar(agent.name),
    muteOrUnmute(agent.name),
    ...(free ? atHand.map((verb) => verbAction(verb, agent)) : []),
    ...(inTurn ? [cancelTurn(agent.name)] : []),
    ...(free ? aside.map((verb) => verbAction(verb, agent)) : []),
  ];
}
