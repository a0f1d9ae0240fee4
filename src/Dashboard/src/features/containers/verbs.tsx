import { useState } from 'preact/hooks';
import { api } from '../../api/client';
import type { Agent, Transient } from '../../api/types';
import { Act } from '../../ui/act';
import type { Question } from '../../ui/confirm';
import type { Wired } from '../../ui/labels';
import { LogsButton } from '../logs';
import { underWay, type Verb, verbsOf, wantsUpdate } from './verb';

interface Action {
  label: Wired;
  plain: string;
  tone?: 'good' | 'warn' | 'bad';
  confirm?: Question;
  run: () => Promise<unknown>;
}

/** The label, confirmation and action of a button. */
function actionOf(verb: Verb, agent: Agent): Action {
  const { name, runtime } = agent;
  const at = { params: { path: { name } }, body: {} };
  const cut = 'Messages it has not acknowledged are delivered again when it is started.';
  switch (verb) {
    case 'start':
      return {
        label: '▶ ST4RT',
        plain: `Start ${name}`,
        tone: 'good',
        run: () => api.POST('/api/agents/{name}/start', at),
      };
    case 'stop':
      return { label: '■ ST0P', plain: `Stop ${name}`, run: () => api.POST('/api/agents/{name}/stop', at) };
    case 'restart':
      return { label: '↻ R3ST4RT', plain: `Restart ${name}`, run: () => api.POST('/api/agents/{name}/restart', at) };
    case 'rebuild':
      return {
        label: '↻ R3BU1LD',
        plain: `Rebuild ${name}: recreate it from its current configuration`,
        ...(wantsUpdate(agent) ? { tone: 'warn' } : {}),
        confirm: {
          title: `Rebuild ${name}?`,
          text:
            runtime === 'external'
              ? 'Its folders, socket and configuration are recreated.'
              : `Its folders, socket and configuration are recreated, and it is stopped and started again. ${cut}`,
          yes: `Rebuild ${name}`,
          no: `Leave ${name} as it is`,
        },
        run: () => api.POST('/api/agents/{name}/rebuild', at),
      };
    case 'kill':
      return {
        label: '✗ K1LL',
        plain: `Kill ${name}`,
        tone: 'bad',
        confirm: {
          title: `Kill ${name}?`,
          text: `Its processes end at once, in the middle of its work. ${cut}`,
          yes: `Kill ${name} now`,
          no: `Let ${name} run`,
        },
        run: () => api.POST('/api/agents/{name}/kill', at),
      };
    case 'destroy':
      return {
        label: 'DESTR0Y',
        plain: `Destroy ${name}`,
        tone: 'bad',
        confirm: {
          title: `Destroy ${name}?`,
          text:
            'It is stopped and removed from the swarm. Its notes, credentials and inbox are kept, and it can ' +
            'be revived from Kept state.',
          yes: `Destroy ${name}`,
          no: `Keep ${name}`,
        },
        run: () => api.POST('/api/agents/{name}/destroy', at),
      };
    case 'purge':
      return {
        label: 'PURG3',
        plain: `Destroy ${name} and purge its data`,
        tone: 'bad',
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

/** The buttons of an agent. */
export function Verbs({
  agent,
  transient,
  onError,
}: {
  agent: Agent;
  transient: Transient | undefined;
  onError: (error: string | null) => void;
}) {
  const [aside, setAside] = useState(false);
  const { name } = agent;
  const verbs = verbsOf(agent, transient);
  const button = (verb: Verb) => {
    const { run, ...rest } = actionOf(verb, agent);
    return (
      <Act
        key={verb}
        {...rest}
        disabled={transient !== undefined}
        working={underWay(transient) === verb}
        onError={onError}
        run={run}
      />
    );
  };
  return (
    <>
      <span class="buttons">
        {verbs.atHand.map(button)}
        {agent.paused ? (
          <Act
            label="▶ R3SUM3"
            plain={`Resume ${name}`}
            tone="good"
            onError={onError}
            run={() => api.POST('/api/agents/{name}/pause', { params: { path: { name } }, body: { paused: false } })}
          />
        ) : (
          <Act
            label="‖ P4US3"
            plain={`Pause ${name}: it gets no new message until it is resumed`}
            onError={onError}
            run={() => api.POST('/api/agents/{name}/pause', { params: { path: { name } }, body: { paused: true } })}
          />
        )}
        {agent.runtime === 'external' ? null : <LogsButton name={name} />}
        {verbs.aside.length === 0 ? null : (
          <button
            type="button"
            class="act"
            aria-label={`More actions for ${name}`}
            title="Kill, destroy, purge"
            aria-expanded={aside}
            onClick={() => setAside(!aside)}
          >
            <span aria-hidden="true">{aside ? '▴' : '…'}</span>
          </button>
        )}
      </span>
      {aside && verbs.aside.length > 0 ? <span class="buttons aside">{verbs.aside.map(button)}</span> : null}
    </>
  );
}
