import type { ComponentChild } from 'preact';
import type { Stats } from '../../api/types';
import { now, useTimed } from '../../ui/clock';
import { Link } from '../../ui/link';
import { counted, durationText, usdText } from '../../ui/text/figures';
import { age } from '../../ui/text/time';
import { approvals } from '../approvals';
import { messages } from '../messages';
import { isExpired, questions } from '../questions';
import { costText, totalsOf, useStatistics, type Window } from '../stats';
import { bars } from './work';

/** The messages to the operator that the page holds at most. */
const HELD = 50;

/** A look that began just now tells nothing. */
const SHORTEST_MS = 60_000;

/** The shortest window that reaches back to an instant. */
const windowOf = (since: number, at: number): Window => {
  const hours = (at - since) / 3_600_000;
  return hours <= 1 ? '1h' : hours <= 24 ? '24h' : hours <= 7 * 24 ? '7d' : '30d';
};

/** The events since the operator looked, and the last day in two lines of bars. */
export function Since({ since, today }: { since: number | null; today: Stats | null }) {
  return (
    <div class="home-since">
      {since === null || now.peek() - since < SHORTEST_MS ? null : <Happened since={since} />}
      {today === null ? null : <Today stats={today} />}
    </div>
  );
}

function Happened({ since }: { since: number }) {
  const ago = useTimed((now) => age(since, now), since);
  const stats = useStatistics(windowOf(since, now.peek()), null).stats.value;
  const from = new Date(since).toISOString();
  const buckets = (stats?.buckets ?? []).filter(
    ({ at }) => Date.parse(at) + (stats?.bucket_seconds ?? 0) * 1000 > since,
  );
  const sum = (of: 'turns' | 'failed') => buckets.reduce((total, bucket) => total + bucket[of], 0);
  const written = messages.inbox.value.filter(({ sent_at }) => sent_at > from).length;
  const deployed = approvals.decided.value.filter(
    ({ status, resolved_at }) => status === 'approved' && (resolved_at ?? '') > from,
  ).length;
  const expired = questions.answered.value.filter(
    (question) => question.target == null && isExpired(question) && (question.answered_at ?? '') > from,
  ).length;
  const facts: ComponentChild[] = [
    <Link to="/stats">
      {counted(sum('turns'), 'turn')}
      {sum('failed') > 0 ? <span class="bad">, {sum('failed')} failed</span> : null}
    </Link>,
    <Link to="/messages?to=operator">
      {written >= HELD ? `${HELD} messages or more` : counted(written, 'message')} to you
    </Link>,
    ...(deployed > 0 ? [<Link to="/changes">{counted(deployed, 'approval')} carried out</Link>] : []),
    ...(expired > 0 ? [<Link to="/waiting?show=answered">{counted(expired, 'question')} expired</Link>] : []),
  ];
  return (
    <section class="home-line" aria-labelledby="home-since">
      <h2 id="home-since">
        Since you looked <span class="dim n">{ago}</span>
      </h2>
      <ul>
        {facts.map((fact, i) => (
          <li key={i}>{fact}</li>
        ))}
      </ul>
    </section>
  );
}

function Today({ stats }: { stats: Stats }) {
  const totals = totalsOf(stats);
  const dearest = stats.agents.toSorted((a, b) => b.cost_usd - a.cost_usd)[0];
  return (
    <section class="home-line" aria-labelledby="home-today">
      <h2 id="home-today">Last 24 hours</h2>
      <ul>
        <li>
          <Link to="/stats">
            <Bars values={stats.buckets.map(({ turns }) => turns)} />
            {counted(totals.turns, 'turn')}
            {totals.failed > 0 ? <span class="bad">, {totals.failed} failed</span> : null}
          </Link>
        </li>
        <li>
          <Link to="/stats">
            <Bars values={stats.buckets.map(({ cost_usd }) => cost_usd)} />
            {costText(totals)}
          </Link>
        </li>
        {dearest === undefined || dearest.cost_usd === 0 ? null : (
          <li>
            <Link to={`/agents/${encodeURIComponent(dearest.name)}`}>
              most: <bdi class="mono">{dearest.name}</bdi> {usdText(dearest.cost_usd)}
            </Link>
          </li>
        )}
        {stats.slowest == null ? null : (
          <li>
            <Link to={`/agents/${encodeURIComponent(stats.slowest.agent)}/turns/${stats.slowest.id}`}>
              slowest turn: {durationText(stats.slowest.duration_ms)} <bdi class="mono">{stats.slowest.agent}</bdi>
            </Link>
          </li>
        )}
      </ul>
    </section>
  );
}

function Bars({ values }: { values: readonly number[] }) {
  if (values.every((value) => value <= 0)) return null;
  return (
    <span class="home-bars mono" aria-hidden="true">
      {bars(values)}
    </span>
  );
}
