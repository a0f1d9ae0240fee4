import type { ComponentChild } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Stats } from '../../api/types';
import { ReadFault } from '../../ui/fault';
import { durationText, tokensText } from '../../ui/text/figures';
import { ChartView } from './chart';
import { chartsOf, costText, inputOf, totalsOf } from './figures';
import type { Statistics } from './statistics';

/** The sums of a window, and their charts. */
export function Charts({ statistics, none }: { statistics: Statistics; none: string }) {
  const stats = statistics.stats.value;
  const error = statistics.error.value;
  return (
    <>
      <ReadFault
        error={error === null ? null : `The figures could not be read: ${error}`}
        plain="Read the figures again"
        reading={statistics.reading.value}
        onRetry={() => void statistics.read()}
      />
      {stats !== null ? (
        <div class="feature-stats" aria-busy={statistics.reading.value}>
          <Shown stats={stats} none={none} />
        </div>
      ) : error === null ? (
        <p class="empty" role="status">
          <span class="spinner" aria-hidden="true" /> counting …
        </p>
      ) : null}
    </>
  );
}

function Shown({ stats, none }: { stats: Stats; none: string }) {
  const totals = totalsOf(stats);
  const charts = useMemo(() => chartsOf(stats), [stats]);
  if (totals.turns === 0) return <p class="empty">{none}</p>;
  const cost = costText(totals);
  return (
    <>
      <dl class="totals">
        <Total
          name="turns"
          value={String(totals.turns)}
          aside={totals.failed > 0 ? <span class="bad">{totals.failed} failed</span> : 'none failed'}
        />
        <Total
          name="tokens"
          value={tokensText(inputOf(totals) + totals.output_tokens)}
          aside={`${tokensText(inputOf(totals))} in, ${tokensText(totals.output_tokens)} out`}
        />
        <Total
          name="cost"
          value={cost}
          aside={
            totals.unpriced_turns > 0 ? (
              <span class="warn">{totals.unpriced_turns} without a price</span>
            ) : (
              'by the price table'
            )
          }
        />
        <Total
          name="time in turns"
          value={durationText(totals.duration_ms)}
          aside={`${durationText(totals.duration_ms / totals.turns)} each`}
        />
      </dl>
      <div class="charts">
        {charts.map((chart) => (
          <ChartView key={chart.title} chart={chart} stats={stats} />
        ))}
      </div>
    </>
  );
}

function Total({ name, value, aside }: { name: string; value: string; aside: ComponentChild }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd class="value">{value}</dd>
      <dd class="dim">{aside}</dd>
    </div>
  );
}
