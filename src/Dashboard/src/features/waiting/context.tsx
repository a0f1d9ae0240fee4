import type { Waiting } from '../../api/types';
import { Age } from '../../ui/clock';
import { Link } from '../../ui/link';
import { containers, State } from '../containers';
import { Mark } from './row';
import { waiting } from './store';

/** How many other things of the agent are listed. */
const OTHERS = 5;

/** What is around a waiting thing: its agent's state and words, and what else waits for it. */
export function Context({ row: { agent: name, key } }: { row: Waiting }) {
  const agent = name == null ? undefined : containers.agents.value.get(name);
  const others = name == null ? [] : waiting.all.value.filter((other) => other.agent === name && other.key !== key);
  if (agent === undefined && others.length === 0) return null;
  return (
    <section class="context" aria-label="Around it">
      {agent === undefined ? null : (
        <p class="context-line">
          <State agent={agent} transient={containers.transients.value.get(agent.name)} />
          {agent.active_model == null ? null : <span class="dim mono">{agent.active_model}</span>}
          {agent.status_text == null || agent.status_text === '' ? null : (
            <span class="context-words">
              <bdi>{agent.status_text}</bdi>
              {agent.status_set_at == null ? null : (
                <span class="dim">
                  {' '}
                  <Age at={agent.status_set_at} /> ago
                </span>
              )}
            </span>
          )}
        </p>
      )}
      {others.length === 0 ? null : (
        <>
          <h3>Also waits for you from {name}</h3>
          <ul class="context-others">
            {others.slice(0, OTHERS).map((other) => (
              <li key={other.key}>
                <Mark row={other} />
                <Link to={`/waiting/${other.key}`}>
                  <bdi>{other.title}</bdi>
                </Link>
              </li>
            ))}
            {others.length > OTHERS ? (
              <li>
                <Link to={`/waiting?agent=${encodeURIComponent(name ?? '')}`}>
                  {others.length - OTHERS} more of <bdi>{name}</bdi>
                </Link>
              </li>
            ) : null}
          </ul>
        </>
      )}
    </section>
  );
}
