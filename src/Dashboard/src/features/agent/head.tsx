import { useState } from 'preact/hooks';
import type { Agent, Harness } from '../../api/types';
import { Age, Until } from '../../ui/clock';
import { Refused } from '../../ui/fault';
import { Link } from '../../ui/link';
import { counted } from '../../ui/text/figures';
import { containers, StateBadge, Verbs } from '../containers';
import { costText, totalsOf, useStatistics } from '../stats';
import { contextOf, stateWords } from './harness';
import type { AgentLive } from './store';

/** An overview of an agent and its state. */
export function Head({ agent, it }: { agent: Agent; it: AgentLive }) {
  const [error, setError] = useState<string | null>(null);
  const { name } = agent;
  const harness = it.harness.value;
  const transient = containers.transients.value.get(name);
  const context = harness === null ? null : contextOf(harness);
  const model = harness?.model ?? agent.active_model;
  return (
    <header class="agent-head">
      <div class="line">
        <Link to="/agents" label="All agents" class="back">
          ‹
        </Link>
        <h1>{name}</h1>
        {harness === null ? null : <HarnessBadge name={name} harness={harness} />}
        {model == null ? null : (
          <span class="badge peer">
            model · <bdi>{model}</bdi>
          </span>
        )}
        {context === null ? null : (
          <span class={`badge ${context.tone}`} title={context.plain}>
            <span aria-hidden="true">ctx {context.text}</span>
            <span class="hidden">{context.plain}</span>
          </span>
        )}
        <CostBadge name={name} />
        {harness?.driver == null ? null : (
          <span class="badge dim">
            driver · <bdi>{harness.driver}</bdi>
          </span>
        )}
      </div>
      <div class="line second">
        <div class="line">
          <StateBadge agent={agent} transient={transient} />
          {agent.role === 'manager' ? <span class="badge info">manager</span> : null}
          {agent.paused ? <span class="badge warn">paused</span> : null}
          {agent.needs_update ? <span class="badge warn">needs update</span> : null}
          <span class={`badge ${agent.runtime === 'process' ? 'orange' : 'dim'}`}>
            {agent.runtime === 'process' ? 'process · no isolation' : agent.runtime}
          </span>
          {agent.deployed_sha == null ? null : <span class="badge dim">deployed:{agent.deployed_sha.slice(0, 7)}</span>}
          {agent.running && agent.started_at != null ? (
            <span class="dim">
              up <Age at={agent.started_at} />
            </span>
          ) : null}
          {agent.status_text == null || agent.status_text === '' ? null : <span class="said">{agent.status_text}</span>}
        </div>
        <Verbs agent={agent} transient={transient} onError={setError} />
      </div>
      {agent.missing == null ? null : <p class="note bad">{agent.missing}</p>}
      {agent.note == null || agent.note === '' ? null : <p class={`note ${agent.failed ? 'bad' : ''}`}>{agent.note}</p>}
      <Refused error={error} onClose={() => setError(null)} />
    </header>
  );
}

function HarnessBadge({ name, harness }: { name: string; harness: Harness }) {
  const { glyph, words, tone, busy } = stateWords(harness);
  const until = harness.state === 'rate_limited' && harness.connected ? harness.rate_limited_until : null;
  return (
    <span class={`badge state ${tone}`} data-state={harness.connected ? harness.state : 'offline'}>
      <span class={busy ? 'dot busy' : 'dot'} aria-hidden="true">
        {glyph}
      </span>{' '}
      {words}{' '}
      {until == null ? (
        <Age at={harness.since_at} />
      ) : (
        <Until at={until} ahead={(left) => `· ${left} left`} past={() => '· any moment'} />
      )}
      <span class="hidden" role="status">
        {name} is {words}
      </span>
    </span>
  );
}

/** The cost of the agent in 24 hours, as far as prices are known. */
function CostBadge({ name }: { name: string }) {
  const { stats } = useStatistics('24h', name);
  if (stats.value === null) return null;
  const totals = totalsOf(stats.value);
  const text = costText(totals);
  const unpriced = totals.unpriced_turns > 0 ? `, ${totals.unpriced_turns} of them on a model without a price` : '';
  const cost = text === 'unknown' ? 'cost not known' : text;
  const plain = `${cost} in 24 hours, ${counted(totals.turns, 'turn')}${unpriced}`;
  return (
    <span class="badge amber" title={plain}>
      <span aria-hidden="true">{text === 'unknown' ? 'cost ?' : text} · 24h</span>
      <span class="hidden">{plain}</span>
    </span>
  );
}
