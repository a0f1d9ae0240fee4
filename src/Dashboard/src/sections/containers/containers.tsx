import { useState } from 'preact/hooks';
import { post } from '../../api/client';
import type { Agent, Transient } from '../../api/types';
import { swarm } from '../../live';
import { Act, Refused } from '../../ui/act';
import { Age } from '../../ui/clock';
import { goTo } from '../../ui/goto';
import { Leet } from '../../ui/leet';
import { Section } from '../../ui/section';
import { LogsDrawer } from './logs';

/** The manager first, then by name. */
const order = (a: Agent, b: Agent) => Number(b.role === 'manager') - Number(a.role === 'manager') || a.name.localeCompare(b.name);

export function Containers() {
  const agents = [...swarm.agents.value.values()].sort(order);
  const coming = [...swarm.transients.value.values()].filter((t) => !swarm.agents.value.has(t.name));
  const running = agents.filter((a) => a.running).length;
  return (
    <Section
      id="containers"
      title="C0NTAINERS"
      plain="Containers"
      aside={
        <span class="count">
          {running}/{agents.length} running
        </span>
      }
    >
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
            <li key={transient.name} class="row container pending">
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

function Row({ agent, transient }: { agent: Agent; transient: Transient | undefined }) {
  const [error, setError] = useState<string | null>(null);
  const [logs, setLogs] = useState(false);
  const { name } = agent;
  const path = encodeURIComponent(name);
  const busy = transient !== undefined;
  const external = agent.runtime === 'external';
  const common = { onError: setError };
  return (
    <li class={`row container ${busy ? 'pending' : ''} ${agent.failed ? 'failed' : agent.running ? 'running' : 'stopped'}`} data-agent={name}>
      <div class="line">
        <span class="name">{name}</span>
        {agent.role === 'manager' ? <span class="badge info">manager</span> : null}
        <StateBadge agent={agent} transient={transient} />
        {agent.paused ? <span class="badge warn">paused</span> : null}
        {agent.needs_login ? <span class="badge warn">needs login</span> : null}
        {agent.needs_update ? <span class="badge warn">needs update</span> : null}
        <span class={`badge ${agent.runtime === 'process' ? 'orange' : 'dim'}`} title={agent.runtime === 'process' ? 'A plain process: nothing separates it from this machine' : `runtime ${agent.runtime}`}>
          {agent.runtime === 'process' ? 'process · no isolation' : agent.runtime}
        </span>
        {agent.unread > 0 ? <span class="badge amber">✉ {agent.unread} unread</span> : null}
        {agent.pending_reminders > 0 ? <ReminderChip agent={agent} /> : null}
        {agent.deployed_sha == null ? null : <span class="badge dim">deployed:{agent.deployed_sha}</span>}
        {agent.active_model == null ? null : <span class="badge dim">{agent.active_model}</span>}
        {agent.running && agent.started_at != null ? (
          <span class="dim since">
            up <Age at={agent.started_at} />
          </span>
        ) : null}
      </div>
      <div class="line second">
        <span class="status">
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
          {external ? null : agent.running ? (
            <>
              <Act {...common} label="■ ST0P" plain={`Stop ${name}`} disabled={busy} run={() => post(`/stop/${path}`)} />
              <Act {...common} label="↻ R3ST4RT" plain={`Restart ${name}`} disabled={busy} run={() => post(`/restart/${path}`)} />
              <Act
                {...common}
                label="✗ K1LL"
                plain={`Kill ${name}`}
                tone="bad"
                confirm={{ title: `Kill ${name}?`, text: 'It ends at once, in the middle of what it does. Messages it has not acknowledged come again when it is started.', yes: '✗ K1LL' }}
                run={() => post(`/kill/${path}`)}
              />
            </>
          ) : (
            <Act {...common} label="▶ ST4RT" plain={`Start ${name}`} tone="good" disabled={busy} run={() => post(`/start/${path}`)} />
          )}
          {agent.paused ? (
            <Act {...common} label="▶ R3SUM3" plain={`Resume ${name}`} tone="good" run={() => post(`/pause/${path}`, { paused: false })} />
          ) : (
            <Act {...common} label="‖ P4US3" plain={`Pause ${name}: it gets no new message until it is resumed`} run={() => post(`/pause/${path}`, { paused: true })} />
          )}
          {external ? null : (
            <button type="button" class="act" aria-label={`Logs of ${name}`} aria-expanded={logs} onClick={() => setLogs(!logs)}>
              <Leet text="↳ L0GS" />
            </button>
          )}
        </span>
      </div>
      {agent.note == null || agent.note === '' ? null : <p class={`note ${agent.failed ? 'bad' : ''}`}>{agent.note}</p>}
      <Refused error={error} onClose={() => setError(null)} />
      {logs ? <LogsDrawer name={name} onClose={() => setLogs(false)} /> : null}
    </li>
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
