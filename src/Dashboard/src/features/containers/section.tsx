import { computed } from '@preact/signals';
import { useState } from 'preact/hooks';
import { api } from '../../api/client';
import type { Agent, Transient } from '../../api/types';
import { Act } from '../../ui/act';
import { Age } from '../../ui/clock';
import { Refused } from '../../ui/fault';
import { inOrder } from '../../ui/feature';
import { Link } from '../../ui/link';
import { Section } from '../../ui/section';
import { Pending, StateBadge } from './state';
import { containers } from './store';
import { wantsUpdate } from './verb';
import { Verbs } from './verbs';

/** A longer status has its own line above the buttons. */
const BESIDE_CHARS = 56;

/** The badges of other features, the same for every row. */
const badges = computed(() => inOrder((feature) => feature.agentBadges));

/** The manager first, then by name. */
const byRole = (a: Agent, b: Agent) =>
  Number(b.role === 'manager') - Number(a.role === 'manager') || a.name.localeCompare(b.name);

export function ContainersSection() {
  const [error, setError] = useState<string | null>(null);
  const agents = [...containers.agents.value.values()].sort(byRole);
  const coming = [...containers.transients.value.values()].filter(
    (t) => t.kind === 'spawning' && !containers.agents.value.has(t.name),
  );
  const running = agents.filter((a) => a.running).length;
  const stale = agents.filter(wantsUpdate).map((a) => a.name);
  return (
    <Section
      feature="containers"
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
                text:
                  'One after another, each is stopped and started again on its current configuration: ' +
                  `${stale.join(', ')}.`,
                yes: stale.length === 1 ? 'Rebuild it' : `Rebuild all ${stale.length}`,
                no: 'Leave them as they are',
              }}
              onError={setError}
              run={() => api.POST('/api/agents/update-all')}
            />
          )}
        </span>
      }
    >
      <Refused error={error} onClose={() => setError(null)} />
      {agents.length === 0 && coming.length === 0 ? (
        <p class="empty">
          No agents yet. Create one: <code>./hive spawn alice</code>
        </p>
      ) : (
        <ul class="rows">
          {agents.map((agent) => (
            <Row key={agent.name} agent={agent} transient={containers.transients.value.get(agent.name)} />
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

function Row({ agent, transient }: { agent: Agent; transient: Transient | undefined }) {
  const [error, setError] = useState<string | null>(null);
  const { name } = agent;
  const busy = transient !== undefined;
  const state = agent.failed ? 'failed' : agent.running ? 'running' : 'stopped';
  return (
    <li class={`row container ${busy ? 'pending' : ''} ${state}`} data-agent={name}>
      <div class="line">
        <Link to={`/agents/${name}`} class="name">
          {name}
        </Link>
        {agent.role === 'manager' ? <span class="badge info">manager</span> : null}
        <StateBadge agent={agent} transient={transient} />
        {agent.paused ? <span class="badge warn">paused</span> : null}
        {agent.needs_login ? <span class="badge warn">needs login</span> : null}
        {agent.missing == null ? null : <span class="badge bad">⚠ not ready</span>}
        {agent.needs_update ? (
          <span class="badge warn" title="It does not run its applied configuration: rebuild it">
            needs update
          </span>
        ) : null}
        <span
          class={`badge ${agent.runtime === 'process' ? 'orange' : 'dim'}`}
          title={
            agent.runtime === 'process'
              ? 'A plain process: nothing isolates it from this machine'
              : `runtime ${agent.runtime}`
          }
        >
          {agent.runtime === 'process' ? 'process · no isolation' : agent.runtime}
        </span>
        {agent.unread > 0 ? <span class="badge amber">✉ {agent.unread} unread</span> : null}
        {agent.delayed > 0 ? <span class="badge warn">↻ {agent.delayed} to be retried</span> : null}
        {agent.parked > 0 ? <span class="badge bad">⚠ {agent.parked} parked</span> : null}
        {badges.value.map(({ view: Badge }, i) => (
          <Badge key={i} agent={agent} />
        ))}
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
              <bdi>{agent.status_text}</bdi>
              {agent.status_set_at == null ? null : (
                <span class="dim">
                  {' · '}
                  <Age at={agent.status_set_at} /> ago
                </span>
              )}
            </>
          )}
        </span>
        <Verbs agent={agent} transient={transient} onError={setError} />
      </div>
      {agent.missing == null ? null : <p class="note bad">{agent.missing}</p>}
      {agent.note == null || agent.note === '' ? null : <p class={`note ${agent.failed ? 'bad' : ''}`}>{agent.note}</p>}
      <Refused error={error} onClose={() => setError(null)} />
    </li>
  );
}

/** The commit that an agent runs on. */
export function DeployedBadge({ agent: { deployed_sha } }: { agent: Agent }) {
  return deployed_sha == null ? null : <span class="badge dim">deployed:{deployed_sha.slice(0, 7)}</span>;
}
