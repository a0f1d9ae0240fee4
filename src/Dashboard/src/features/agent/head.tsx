import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Agent } from '../../api/types';
import { perform } from '../../ui/action';
import { activityOf } from '../../ui/activity';
import { Age } from '../../ui/clock';
import { inOrder } from '../../ui/feature';
import { keyOf, useKey } from '../../ui/keys';
import { Link } from '../../ui/link';
import { openMenu } from '../../ui/menu';
import { counted } from '../../ui/text/figures';
import { tell } from '../../ui/told';
import { actionsOf, containers, isMuted, isStarred, muteOrUnmute, State, starOrUnstar } from '../containers';
import { costText, totalsOf, useStatistics } from '../stats';
import { contextOf } from './harness';
import type { AgentLive } from './store';

/** An agent in one line; the rest of its facts is behind `i`. */
export function Head({ agent, it }: { agent: Agent; it: AgentLive }) {
  const [open, setOpen] = useState(false);
  const { name } = agent;
  const harness = it.harness.value;
  const transient = containers.transients.value.get(name);
  const { state } = activityOf(agent, transient);
  const context = harness === null ? null : contextOf(harness);
  const model = harness?.model ?? agent.active_model;
  const note = agent.note ?? '';
  const said = agent.status_text ?? '';
  const doing = state === 'failed' ? note || said : agent.missing || said;
  const starred = isStarred(name);
  const muted = isMuted(name);
  const before = useRef(state);
  useEffect(() => {
    if (before.current !== state) tell(`${name}: ${state}`);
    before.current = state;
  }, [state]);
  useKey('details', () => setOpen(!open));
  return (
    <>
      <header class="agent-head">
        <Link to="/agents" label="All agents" class="back">
          ‹
        </Link>
        <h1 id="place-title">
          <bdi>{name}</bdi>
        </h1>
        <State agent={agent} transient={transient} />
        <span class={`head-doing ${state === 'failed' ? 'tone-bad' : ''}`} title={doing.slice(0, 1000)}>
          <bdi>{doing.slice(0, 400)}</bdi>
        </span>
        {model == null || model === '' ? null : (
          <span class="head-model mono" title={`model ${model}`}>
            <bdi>{model.replace(/^claude-/, '')}</bdi>
          </span>
        )}
        {context === null ? null : (
          <span class={`n head-context ${context.tone === 'dim' ? '' : `tone-${context.tone}`}`} title={context.plain}>
            <span aria-hidden="true">ctx {context.text}</span>
            <span class="hidden">{context.plain}</span>
          </span>
        )}
        <Cost name={name} />
        <span class="head-buttons">
          <button
            type="button"
            class="plain"
            aria-pressed={starred}
            aria-label={`Star ${name}`}
            title={starred ? 'Starred: it stands beside the navigation' : 'Star it: it stands beside the navigation'}
            onClick={() => void perform(starOrUnstar(name))}
          >
            <span aria-hidden="true">{starred ? '★' : '☆'}</span>
          </button>
          {muted ? (
            <button
              type="button"
              class="plain"
              aria-label={`Unmute ${name}`}
              title="Muted: its things wait without notification and sound. Unmute it"
              onClick={() => void perform(muteOrUnmute(name))}
            >
              <span class="muted-mark" aria-hidden="true">
                ♪
              </span>
            </button>
          ) : null}
          <button
            type="button"
            class="plain mono"
            aria-expanded={open}
            aria-controls="agent-facts"
            aria-label={`All facts of ${name}`}
            title={`All facts (${keyOf('details')})`}
            onClick={() => setOpen(!open)}
          >
            i
          </button>
          <button
            type="button"
            class="plain"
            id="agent-menu"
            aria-haspopup="menu"
            aria-label={`What can be done with ${name}`}
            title={`Actions (${keyOf('actions')})`}
            onClick={(e) => openMenu(`What can be done with ${name}`, actionsOf(agent, transient), e.currentTarget)}
          >
            <span aria-hidden="true">⋯</span>
          </button>
        </span>
      </header>
      <div id="agent-facts" hidden={!open}>
        {open ? <Facts agent={agent} it={it} /> : null}
      </div>
    </>
  );
}

/** The cost of the agent in 24 hours, as far as prices are known. */
function Cost({ name }: { name: string }) {
  const { stats } = useStatistics('24h', name);
  if (stats.value === null) return null;
  const totals = totalsOf(stats.value);
  const text = costText(totals);
  const unpriced = totals.unpriced_turns > 0 ? `, ${totals.unpriced_turns} of them on a model without a price` : '';
  const cost = text === 'unknown' ? 'cost not known' : text;
  const plain = `${cost} in 24 hours, ${counted(totals.turns, 'turn')}${unpriced}`;
  return (
    <span class="n head-cost" title={plain}>
      <span aria-hidden="true">{text === 'unknown' ? 'cost ?' : text} · 24h</span>
      <span class="hidden">{plain}</span>
    </span>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** The details that the one line leaves out. */
function Facts({ agent, it }: { agent: Agent; it: AgentLive }) {
  const driver = it.harness.value?.driver;
  const said = agent.status_text ?? '';
  return (
    <dl class="facts">
      {said === '' ? null : (
        <Fact name="status">
          <bdi>{said}</bdi>
          {agent.status_set_at == null ? null : (
            <span class="dim">
              {' · '}
              <Age at={agent.status_set_at} /> ago
            </span>
          )}
        </Fact>
      )}
      {agent.missing == null ? null : (
        <Fact name="missing">
          <bdi>{agent.missing}</bdi>
        </Fact>
      )}
      {agent.note == null || agent.note === '' ? null : (
        <Fact name="note">
          <bdi>{agent.note}</bdi>
        </Fact>
      )}
      {driver == null ? null : (
        <Fact name="driver">
          <bdi class="mono">{driver}</bdi>
        </Fact>
      )}
      <Fact name="model">
        <bdi class="mono">{it.harness.value?.model ?? agent.active_model ?? 'the default'}</bdi>
      </Fact>
      <Fact name="runtime">
        {agent.runtime === 'process' ? <span class="tone-warn">process · no isolation</span> : agent.runtime}
      </Fact>
      <Fact name="role">{agent.role}</Fact>
      <Fact name="configuration">
        {agent.deployed_sha == null ? (
          'none is deployed'
        ) : (
          <span class="mono">deployed:{agent.deployed_sha.slice(0, 7)}</span>
        )}
        {agent.needs_update ? <span class="tone-warn"> · needs update</span> : null}
      </Fact>
      {agent.running && agent.started_at != null ? (
        <Fact name="up">
          <Age at={agent.started_at} />
        </Fact>
      ) : null}
      <Fact name="messages">
        {agent.unread} unread
        {agent.delayed > 0 ? `, ${agent.delayed} to be retried` : ''}
        {agent.parked > 0 ? <span class="tone-bad">, {agent.parked} parked</span> : null}
      </Fact>
      <div class="badges">
        <dt>more</dt>
        <dd>
          {inOrder((feature) => feature.agentBadges).map(({ view: Badge }, i) => (
            <Badge key={i} agent={agent} />
          ))}
        </dd>
      </div>
    </dl>
  );
}
