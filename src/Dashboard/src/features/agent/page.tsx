import { effect, untracked } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { Agent } from '../../api/types';
import { perform } from '../../ui/action';
import { copyAddress } from '../../ui/copy';
import { useKey } from '../../ui/keys';
import { Shown } from '../../ui/later';
import { go, Link } from '../../ui/link';
import { live } from '../../ui/live';
import { openMenu } from '../../ui/menu';
import { agentTabs, type Params } from '../../ui/registry';
import { useSelection } from '../../ui/selected';
import { near } from '../../ui/text/near';
import { actionsOf, containers, Pending, pauseOrResume } from '../containers';
import { writeTo } from '../messages';
import { tombstones } from '../tombstones';
import { Head } from './head';
import { It } from './it';
import { LoginPanel } from './login';
import { AgentLive } from './store';
import { Tabs, tabAddress } from './tabs';

/** The place of an agent. */
export function AgentPlace({ params }: { params: Params }) {
  const name = params.name ?? '';
  const agent = containers.agents.value.get(name);
  return agent === undefined ? (
    <Missing key={name} name={name} />
  ) : (
    <Present key={name} agent={agent} tab={params.tab ?? 'live'} rest={params.rest} />
  );
}

function Missing({ name }: { name: string }) {
  const coming = containers.transients.value.get(name);
  const kept = tombstones.has(name);
  const meant = near(name, containers.names.value);
  return (
    <main class="place feature-agent" id="place" tabIndex={-1} aria-labelledby="place-title">
      <h1 id="place-title">
        <bdi>{name}</bdi>
      </h1>
      {coming === undefined ? (
        <div class="missing">
          <p>
            There is no agent <bdi>{name}</bdi>.
          </p>
          {kept ? (
            <p>
              It was destroyed, and its state is kept: <Link to="/agents?state=kept">revive it</Link>.
            </p>
          ) : meant === null ? null : (
            <p>
              Did you mean <Link to={`/agents/${meant}`}>{meant}</Link>?
            </p>
          )}
          <p>
            <Link to="/agents">All agents</Link>
          </p>
        </div>
      ) : (
        <p class="missing">
          <Pending transient={coming} />
        </p>
      )}
    </main>
  );
}

const isVisible = () => document.visibilityState === 'visible';

/** Follows an agent while the component is there. */
function useLive(name: string): AgentLive {
  const [it] = useState(() => new AgentLive(name, isVisible));
  useEffect(() => {
    const shown = () => it.shown();
    const retry = () => it.retry();
    document.addEventListener('visibilitychange', shown);
    addEventListener('online', retry);
    it.start();
    // The page's other stream has found the host again: no need to wait any longer.
    const forget = effect(() => {
      if (live.connection.value.state === 'live') untracked(retry);
    });
    return () => {
      document.removeEventListener('visibilitychange', shown);
      removeEventListener('online', retry);
      forget();
      it.stop();
    };
  }, [it]);
  return it;
}

function Present({ agent, tab: wanted, rest }: { agent: Agent; tab: string; rest: string | undefined }) {
  const { name } = agent;
  const it = useLive(name);
  const tabs = agentTabs.value;
  const tab = tabs.find((one) => one.name === wanted);
  const transient = containers.transients.value.get(name);

  useSelection(() => ({ name, actions: [], agent }));
  useKey('pause', () => void perform(pauseOrResume(agent)));
  useKey('log', () => go(tabAddress(name, 'log')));
  useKey('turns', () => go(tabAddress(name, 'turns')));
  useKey('write', () => writeTo(name));
  useKey('tab', () => {
    const next = tabs[(tab === undefined ? 0 : tabs.indexOf(tab) + 1) % tabs.length];
    if (next !== undefined) go(tabAddress(name, next.name), () => document.getElementById(`tab-${next.name}`)?.focus());
  });
  useKey('actions', () => {
    const at = document.getElementById('agent-menu');
    if (at !== null) openMenu(`What can be done with ${name}`, actionsOf(agent, transient), at);
  });
  useKey('copy', () => void copyAddress(location.pathname));
  return (
    <It.Provider value={it}>
      <main
        class="place agent fills feature-agent"
        id="place"
        tabIndex={-1}
        aria-labelledby="place-title"
        data-page={name}
      >
        <Head agent={agent} it={it} />
        <LoginPanel name={name} it={it} />
        <Tabs agent={agent} tabs={tabs} chosen={tab ?? null} />
        {tab === undefined ? (
          <p class="missing">
            <span>
              {name} has no tab <bdi>{wanted}</bdi>.
            </span>
            <Link to={`/agents/${name}`}>Go to {name}</Link>
          </p>
        ) : (
          <div class="tab-panel" id="tab-panel" role="tabpanel" aria-labelledby={`tab-${tab.name}`}>
            <Shown key={tab.name} view={tab.view} props={{ agent, rest }} what={`the tab ${tab.name}`} />
          </div>
        )}
      </main>
    </It.Provider>
  );
}
