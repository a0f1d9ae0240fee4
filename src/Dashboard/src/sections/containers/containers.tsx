import { useState } from 'preact/hooks';
import { post } from '../../api/client';
import type { Agent, Transient } from '../../api/types';
import { swarm } from '../../live';
import { underWay, type Verb, verbsOf, wantsUpdate } from '../../model/verbs';
import { Act, Refused } from '../../ui/act';
import { Age } from '../../ui/clock';
import type { Question } from '../../ui/confirm';
import { goTo } from '../../ui/goto';
import { Leet } from '../../ui/leet';
import { Section } from '../../ui/section';
import { logsOf, shown } from '../beside/state';
import { ForgeChip } from '../forge/chip';

/** A longer status stands in a line of its own, above the buttons. */
const BESIDE_CHARS = 56;

/** The manager first, then by name. */
const order = (a: Agent, b: Agent) => Number(b.role === 'manager') - Number(a.role === 'manager') || a.name.localeCompare(b.name);

export function Containers() {
  const [error, setError] = useState<string | null>(null);
  const agents = [...swarm.agents.value.values()].sort(order);
  const coming = [...swarm.transients.value.values()].filter((t) => t.kind === 'spawning' && !swarm.agents.value.has(t.name));
  const running = agents.filter((a) => a.running).length;
  const stale = agents.filter(wantsUpdate).map((a) => a.name);
  return (
    <Section
      id="containers"
      title="C0NTAINERS"
      plain="Containers"
      aside={
        <span class="counts">
          <span class="count">
            {running}/{agents.length} running
          </span>
          {stale.length === 0 ? null : (
            <Act
              label="↻ UPD4TE 4LL"
              plain="Update all: rebuild every agent that needs it, one after another"
              tone="warn"
              confirm={{
                title: stale.length === 1 ? `Rebuild ${stale[0]}?` : `Rebuild ${stale.length} agents?`,
                text: `One after another, each is stopped and started again on its present configuration: ${stale.join(', ')}.`,
                yes: '↻ UPD4TE 4LL',
              }}
              onError={setError}
              run={() => post('/update-all')}
            />
          )}
        </span>
      }
    >
      <Refused error={error} onClose={() => setError(null)} />
      {agents.length === 0 && coming.length === 0 ? (
        <p class="empty">
          No agent yet. Make one: <code>./hive spawn alice</code>
        </p>
      ) : (
        <ul class="rows">
          {agents.map((agent) => (
            <Row key={agent.name} agent={agent} transient={swarm.transients.value.get(agent.name)} />
          ))}
          {coming.map((transient) => (
            <li key={transient.name} class="row container pending" data-coming={transient.name}>
              <div class="line">
                <span class="name">{transient.name}</span>
                <Pending transient={transient} />
              </div>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Pending({ transient }: { transient: Transient }) {
  return (
    <span class="badge warn" role="status">
      <span class="spinner" aria-hidden="true" /> {transient.kind} … <Age at={transient.since_at} />
    </span>
  );
}

interface Deed {
  label: string;
  plain: string;
  tone?: 'good' | 'warn' | 'bad';
  confirm?: Question;
  path: string;
  body?: object;
}

/** What a button says, asks and does. */
function deed(verb: Verb, agent: Agent): Deed {
  const { name, runtime } = agent;
  const path = (route: string) => `/${route}/${encodeURIComponent(name)}`;
  const cut = 'Messages it has not acknowledged come again when it is started.';
  switch (verb) {
    case 'start':
      return { label: '▶ ST4RT', plain: `Start ${name}`, tone: 'good', path: path('start') };
    case 'stop':
      return { label: '■ ST0P', plain: `Stop ${name}`, path: path('stop') };
    case 'restart':
      return { label: '↻ R3ST4RT', plain: `Restart ${name}`, path: path('restart') };
    case 'rebuild':
      return {
        label: '↻ R3BU1LD',
        plain: `Rebuild ${name}: make everything about it what it should be`,
        ...(wantsUpdate(agent) ? { tone: 'warn' } : {}),
        confirm: {
          title: `Rebuild ${name}?`,
          text:
            runtime === 'external'
              ? 'Its folders, socket and configuration are made what they should be.'
              : `Its folders, socket and configuration are made what they should be, and it is stopped and started again on them. ${cut}`,
          yes: '↻ R3BU1LD',
        },
        path: path('rebuild'),
      };
    case 'kill':
      return {
        label: '✗ K1LL',
        plain: `Kill ${name}`,
        tone: 'bad',
        confirm: { title: `Kill ${name}?`, text: `It ends at once, in the middle of what it does. ${cut}`, yes: '✗ K1LL' },
        path: path('kill'),
      };
    case 'destroy':
      return {
        label: 'DESTR0Y',
        plain: `Destroy ${name}`,
        tone: 'bad',
        confirm: { title: `Destroy ${name}?`, text: 'It is stopped and leaves the swarm. Its notes, credentials and inbox are kept, and it can be revived from Kept state.', yes: 'DESTR0Y' },
        path: path('destroy'),
      };
    case 'purge':
      return {
        label: 'PURG3',
        plain: `Destroy ${name} and purge what is its`,
        tone: 'bad',
        confirm: {
          title: `Destroy ${name} and purge what is its?`,
          text: 'It is stopped and leaves the swarm, and its notes, credentials, configuration and inbox are removed for good. Nothing brings them back.',
          yes: 'PURG3',
        },
        path: path('destroy'),
        body: { purge: true },
      };
  }
}

function Row({ agent, transient }: { agent: Agent; transient: Transient | undefined }) {
  const [error, setError] = useState<string | null>(null);
  const [aside, setAside] = useState(false);
  const { name } = agent;
  const busy = transient !== undefined;
  const verbs = verbsOf(agent, transient);
  const button = (verb: Verb) => {
    const { path, body, ...rest } = deed(verb, agent);
    return <Act key={verb} {...rest} disabled={busy} working={underWay(transient) === verb} onError={setError} run={() => post(path, body)} />;
  };
  return (
    <li class={`row container ${busy ? 'pending' : ''} ${agent.failed ? 'failed' : agent.running ? 'running' : 'stopped'}`} data-agent={name}>
      <div class="line">
        <span class="name">{name}</span>
        {agent.role === 'manager' ? <span class="badge info">manager</span> : null}
        <StateBadge agent={agent} transient={transient} />
        {agent.paused ? <span class="badge warn">paused</span> : null}
        {agent.needs_login ? <span class="badge warn">needs login</span> : null}
        {agent.needs_update ? (
          <span class="badge warn" title="It runs on something else than what is applied for it: rebuild it">
            needs update
          </span>
        ) : null}
        <span class={`badge ${agent.runtime === 'process' ? 'orange' : 'dim'}`} title={agent.runtime === 'process' ? 'A plain process: nothing separates it from this machine' : `runtime ${agent.runtime}`}>
          {agent.runtime === 'process' ? 'process · no isolation' : agent.runtime}
        </span>
        {agent.unread > 0 ? <span class="badge amber">✉ {agent.unread} unread</span> : null}
        {agent.pending_reminders > 0 ? <ReminderChip agent={agent} /> : null}
        {agent.deployed_sha == null ? null : <span class="badge dim">deployed:{agent.deployed_sha.slice(0, 7)}</span>}
        <ForgeChip name={name} />
        {agent.active_model == null ? null : <span class="badge dim">{agent.active_model}</span>}
        {agent.running && agent.started_at != null ? (
          <span class="dim since">
            up <Age at={agent.started_at} />
          </span>
        ) : null}
      </div>
      <div class="line second">
        <span class={`status ${(agent.status_text ?? '').length > BESIDE_CHARS ? 'long' : ''}`}>
          {agent.status_text == null || agent.status_text === '' ? (
            <span class="dim">no status yet</span>
          ) : (
            <>
              {agent.status_text}
              {agent.status_set_at == null ? null : (
                <span class="dim">
                  {' · '}
                  <Age at={agent.status_set_at} /> ago
                </span>
              )}
            </>
          )}
        </span>
        <span class="buttons">
          {verbs.atHand.map(button)}
          {agent.paused ? (
            <Act label="▶ R3SUM3" plain={`Resume ${name}`} tone="good" onError={setError} run={() => post(`/pause/${encodeURIComponent(name)}`, { paused: false })} />
          ) : (
            <Act label="‖ P4US3" plain={`Pause ${name}: it gets no new message until it is resumed`} onError={setError} run={() => post(`/pause/${encodeURIComponent(name)}`, { paused: true })} />
          )}
          {agent.runtime === 'external' ? null : <LogsButton name={name} />}
          {verbs.aside.length === 0 ? null : (
            <button type="button" class="act" aria-label={`More that can be done with ${name}`} title="Kill, destroy, purge" aria-expanded={aside} onClick={() => setAside(!aside)}>
              <Leet text={aside ? '▴' : '…'} />
            </button>
          )}
        </span>
      </div>
      {aside && verbs.aside.length > 0 ? (
        <div class="line aside">
          <span class="buttons">{verbs.aside.map(button)}</span>
        </div>
      ) : null}
      {agent.note == null || agent.note === '' ? null : <p class={`note ${agent.failed ? 'bad' : ''}`}>{agent.note}</p>}
      <Refused error={error} onClose={() => setError(null)} />
    </li>
  );
}

function LogsButton({ name }: { name: string }) {
  const open = logsOf() === name;
  return (
    <button type="button" class="act" aria-label={`Logs of ${name}`} aria-expanded={open} onClick={() => (shown.value = open ? null : { logs: name })}>
      <Leet text="↳ L0GS" />
    </button>
  );
}

function ReminderChip({ agent: { name, pending_reminders: count } }: { agent: Agent }) {
  const words = `${count} pending ${count === 1 ? 'reminder' : 'reminders'} of ${name}: see or cancel under Queued reminders`;
  return (
    <button type="button" class="badge info jump" aria-label={words} title={words} onClick={() => goTo(`[data-reminder-agent="${name}"]`) || goTo('#reminders')}>
      ◷ {count}
    </button>
  );
}

function StateBadge({ agent, transient }: { agent: Agent; transient: Transient | undefined }) {
  if (transient !== undefined) return <Pending transient={transient} />;
  if (agent.failed) return <span class="badge bad">✗ failed</span>;
  return agent.running ? <span class="badge good">● running</span> : <span class="badge dim">○ stopped</span>;
}
