import { useEffect, useState } from 'preact/hooks';
import { activityOf, type Group } from '../../ui/activity';
import { keyOf } from '../../ui/keys';
import { Label } from '../../ui/label';
import { Shown } from '../../ui/later';
import { Link } from '../../ui/link';
import { Main } from '../../ui/main';
import { usdText } from '../../ui/text/figures';
import { containers, State } from '../containers';
import { firstRun } from '../start';
import { useStatistics } from '../stats';
import { kindName, Mark, When, waiting } from '../waiting';
import { keepLook, readLook } from './look';
import { DemoLine, LabelsOffer } from './offers';
import { Since } from './since';
import { Strip } from './strip';
import { type Worker, workOf } from './work';

/** How many waiting things and how many agents are listed: the overview fits a screen. */
const WAITING = 15;
const WORKERS = 15;

/** The agents at work, the things that wait or failed, the costs, and the events since the operator looked. */
export function HomePage() {
  const [since] = useState(readLook);
  useEffect(() => {
    const left = () => keepLook(since);
    addEventListener('pagehide', left);
    return () => {
      removeEventListener('pagehide', left);
      left();
    };
  }, [since]);
  const stats = useStatistics('24h', null).stats.value;
  const agents = containers.agents.value;
  // The manager is always there; it alone is nobody to work with. A finding of the doctor has a place of its own.
  const alone = [...agents.values()].every(({ role }) => role === 'manager');
  const isEmpty = alone && waiting.shown.value.every(({ agent }) => agent == null);
  // Once it is shown it stays: it says that a tool has joined, and an agent may be half made.
  const [first, setFirst] = useState(isEmpty);
  useEffect(() => {
    if (isEmpty) setFirst(true);
  }, [isEmpty]);
  if (first)
    return (
      <Main feature="home" title="H0M3">
        <LabelsOffer />
        <Shown view={firstRun} props={{ onLeave: isEmpty ? null : () => setFirst(false) }} what="this page" />
      </Main>
    );
  const { counts, listed } = workOf(agents.values(), containers.transients.value);
  const costs = new Map(stats?.agents.map(({ name, cost_usd }) => [name, cost_usd]));
  return (
    <Main feature="home" title="H0M3">
      <Strip working={counts.working} />
      <div class="home-parts">
        <YourCall />
        <Work counts={counts} listed={listed} costs={costs} />
      </div>
      <Since since={since} today={stats} />
      <DemoLine />
      <LabelsOffer />
    </Main>
  );
}

function YourCall() {
  const rows = waiting.shown.value;
  const shown = rows.slice(0, WAITING);
  const count = waiting.count.value;
  const key = keyOf('go-waiting');
  return (
    <section class="home-part" aria-labelledby="home-waiting">
      <h2 id="home-waiting">
        <Link to="/waiting" class="home-title">
          <Label text="Y3R C4LL" /> <span class={count > 0 ? 'amber n' : 'dim n'}>{count}</span>
        </Link>
      </h2>
      {rows.length === 0 ? (
        <p class="dim home-none">Nothing waits for you.</p>
      ) : (
        <ul>
          {shown.map((row) => (
            <li key={row.key}>
              <Link to={`/waiting/${encodeURIComponent(row.key)}`} class="home-row waits">
                <Mark row={row} />
                <span class="dim home-kind">{kindName(row)}</span>
                <span class="mono home-name">
                  <bdi>{row.agent ?? 'hive'}</bdi>
                </span>
                <span class="home-words">
                  <bdi>{row.title}</bdi>
                </span>
                <When row={row} />
              </Link>
            </li>
          ))}
          {rows.length > WAITING ? (
            <li>
              <Link to="/waiting" class="home-row more">
                … {rows.length - WAITING} more{' '}
                {key === '' ? null : (
                  <span class="keycap" aria-hidden="true">
                    {key}
                  </span>
                )}
              </Link>
            </li>
          ) : null}
        </ul>
      )}
    </section>
  );
}

const COUNTED: readonly { group: Group; words: string; tone: string }[] = [
  { group: 'working', words: 'working', tone: 'good' },
  { group: 'idle', words: 'idle', tone: 'plain' },
  { group: 'waits', words: 'waiting', tone: 'waiting' },
  { group: 'held', words: 'held', tone: 'warn' },
  { group: 'down', words: 'down', tone: 'faint' },
  { group: 'failed', words: 'failed', tone: 'bad' },
];

function Work({ counts, listed, costs }: ReturnType<typeof workOf> & { costs: ReadonlyMap<string, number> }) {
  const shown = listed.slice(0, WORKERS);
  const key = keyOf('go-agents');
  return (
    <section class="home-part" aria-labelledby="home-work">
      <h2 id="home-work" class="hidden">
        Who works
      </h2>
      <ul class="home-counts" aria-label="Agents by what they do">
        {COUNTED.filter(({ group }) => counts[group] > 0).map(({ group, words, tone }) => (
          <li key={group}>
            <Link to={`/agents?state=${group}`} class={`home-count tone-${tone}`}>
              <span>{words}</span> <span class="n">{counts[group]}</span>
            </Link>
          </li>
        ))}
      </ul>
      <ul>
        {shown.map((worker) => (
          <li key={worker.agent.name}>
            <WorkerRow worker={worker} cost={costs.get(worker.agent.name)} />
          </li>
        ))}
        <li>
          <Link to="/agents" class="home-row more">
            {listed.length > shown.length ? `… ${listed.length - shown.length} more · ` : ''}
            {counts.idle > 0 ? `● ${counts.idle} idle · ` : ''}all agents{' '}
            {key === '' ? null : (
              <span class="keycap" aria-hidden="true">
                {key}
              </span>
            )}
          </Link>
        </li>
      </ul>
    </section>
  );
}

function WorkerRow({ worker: { agent, transient }, cost }: { worker: Worker; cost: number | undefined }) {
  const { tool, context_percent } = activityOf(agent, transient);
  return (
    <Link to={`/agents/${encodeURIComponent(agent.name)}`} class="home-row works">
      <span class="mono home-name">
        <bdi>{agent.name}</bdi>
      </span>
      <State agent={agent} transient={transient} />
      <span class="home-words dim">
        {tool == null || tool === '' ? (
          <bdi>{agent.status_text ?? agent.note ?? ''}</bdi>
        ) : (
          <span class="mono">
            <bdi>{tool}</bdi>
          </span>
        )}
      </span>
      <span class="home-figure n">{context_percent == null ? '' : `${context_percent}%`}</span>
      <span class="home-figure n">{cost === undefined || cost === 0 ? '' : usdText(cost)}</span>
    </Link>
  );
}
