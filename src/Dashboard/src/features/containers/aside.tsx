import { activityOf, type Group, groupOf, lookOf } from '../../ui/activity';
import { Label } from '../../ui/label';
import { Link } from '../../ui/link';
import { preferences } from '../../ui/preferences';
import { containers } from './store';

/** How many agents are in each group of states. */
export function countsOf(): Record<Group, number> {
  const counts: Record<Group, number> = { failed: 0, waits: 0, working: 0, held: 0, idle: 0, down: 0 };
  const transients = containers.transients.value;
  for (const agent of containers.agents.value.values())
    counts[groupOf(activityOf(agent, transients.get(agent.name)).state)]++;
  return counts;
}

/** In the top bar: how many agents work. */
export function WorkingFigure() {
  const { working } = countsOf();
  return (
    <span class="feature-containers">
      <Link to="/agents?state=working" class="figure" hint="See who works">
        {working} working
      </Link>
    </span>
  );
}

/** In the navigation: who works and who failed. */
export function SwarmCount() {
  const { working, failed } = countsOf();
  return (
    <>
      {working === 0 ? null : (
        <span class="tone-good" title={`${working} working`}>
          {working}
          <span aria-hidden="true">◉</span>
          <span class="hidden"> working</span>
        </span>
      )}{' '}
      {failed === 0 ? null : (
        <span class="tone-bad" title={`${failed} failed`}>
          {failed}
          <span aria-hidden="true">✗</span>
          <span class="hidden"> failed</span>
        </span>
      )}
    </>
  );
}

/** Below the places: the agents that the operator has starred. */
export function Starred() {
  const agents = preferences.value.starred.flatMap((name) => containers.agents.value.get(name) ?? []);
  if (agents.length === 0) return null;
  return (
    <div class="feature-containers">
      <h2 class="starred-head" id="starred">
        <Label text="ST4RR3D" />
      </h2>
      <ul aria-labelledby="starred">
        {agents.map((agent) => {
          const { state } = activityOf(agent, containers.transients.value.get(agent.name));
          const { glyph, tone } = lookOf(state);
          return (
            <li key={agent.name}>
              <Link to={`/agents/${agent.name}`} class="nav-line starred" hint={`${agent.name}: ${state}`}>
                <span class={`tone-${tone}`} aria-hidden="true">
                  {glyph}
                </span>
                <bdi class="starred-name">{agent.name}</bdi>
                <span class="hidden">{state}</span>
              </Link>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
