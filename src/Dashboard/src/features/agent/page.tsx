import { effect, untracked } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { Agent } from '../../api/types';
import { Link } from '../../ui/link';
import { live } from '../../ui/live';
import type { Params } from '../../ui/registry';
import { containers, Pending } from '../containers';
import { tombstones } from '../tombstones';
import { Head } from './head';
import { Waiting } from './inbox';
import { LoginPanel } from './login';
import { AgentLoose } from './loose';
import { AgentStatistics } from './statistics';
import { AgentLive } from './store';
import { Terminal } from './terminal';

/** The place of an agent. */
export function AgentPlace({ params }: { params: Params }) {
  const name = params.name ?? '';
  return <AgentPage key={name} name={name} />;
}

/** One agent in detail: its activity, its inbox and loose ends, its figures. */
export function AgentPage({ name }: { name: string }) {
  const agent = containers.agents.value.get(name);
  return agent === undefined ? <Missing name={name} /> : <Present agent={agent} />;
}

function Missing({ name }: { name: string }) {
  const coming = containers.transients.value.get(name);
  const kept = tombstones.has(name);
  return (
    <main class="place feature-agent" id="place" tabIndex={-1} aria-label={`Agent ${name}`}>
      <div class="empty missing">
        {coming === undefined ? (
          <>
            <p>
              There is no agent {name}.{kept ? ' It can be revived under Kept state.' : ''}
            </p>
            <p>
              <Link to="/agents">‹ all agents</Link>
            </p>
          </>
        ) : (
          <p>
            {name} <Pending transient={coming} />
          </p>
        )}
      </div>
    </main>
  );
}

const isVisible = () => document.visibilityState === 'visible';

function Present({ agent }: { agent: Agent }) {
  const { name } = agent;
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
  return (
    <main class="place agent feature-agent" id="place" tabIndex={-1} aria-label={`Agent ${name}`} data-page={name}>
      <Head agent={agent} it={it} />
      <div class="swarm">
        <LoginPanel name={name} it={it} />
        <Terminal name={name} it={it} />
      </div>
      <div class="swarm beside" tabIndex={0} role="group" aria-label={`Inbox, loose ends and figures of ${name}`}>
        <Waiting name={name} unread={agent.unread} />
        <AgentLoose name={name} />
        <AgentStatistics name={name} />
      </div>
    </main>
  );
}
