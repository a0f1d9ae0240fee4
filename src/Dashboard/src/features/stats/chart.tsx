import { useEffect, useRef, useState } from 'preact/hooks';
import type { Stats } from '../../api/types';
import { Clock } from '../../ui/clock';
import { Columns, Table } from '../../ui/table';
import { clock } from '../../ui/text/time';
import type { Drawn } from './draw';
import { drawing } from './drawing';
import type { Chart } from './figures';

/** Bars over time. The values at the pointer show above them; a screen reader gets the sum and the highest bar. */
export function ChartView({ chart, stats }: { chart: Chart; stats: Stats }) {
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawn | null>(null);
  const given = useRef({ chart, stats });
  const [at, setAt] = useState<number | null>(null);
  const drawer = drawing.code.value;
  given.current = { chart, stats };

  useEffect(() => {
    if (drawer === null || place.current === null) return;
    drawn.current = drawer.draw(place.current, given.current.chart, given.current.stats, setAt);
    return () => {
      drawn.current?.remove();
      drawn.current = null;
    };
  }, [drawer]);
  useEffect(() => drawn.current?.show(chart, stats), [chart, stats]);

  const sums = chart.stacks.map(({ values }) => values.reduce((sum, value) => sum + value, 0));
  const heights = stats.buckets.map((_, i) => chart.stacks.reduce((sum, { values }) => sum + (values[i] ?? 0), 0));
  const highest = heights.reduce((best, height, i) => (height > (heights[best] ?? 0) ? i : best), 0);
  const bucket = at === null ? undefined : stats.buckets[at];
  const when = (i: number) => clock(stats.buckets[i]?.at ?? '', Date.parse(stats.to_at)).replace(/:\d\d$/, '');
  const several = chart.stacks.length > 1;
  const total = chart.stacks.map(({ name }, i) => `${several ? `${name} ` : ''}${chart.text(sums[i] ?? 0)}`).join(', ');
  const most = `${chart.text(heights[highest] ?? 0)}, at ${when(highest)}`;
  const lacking = chart.lacks === undefined ? '' : `; ${chart.lacks}`;
  return (
    <figure class="chart" data-chart={chart.title}>
      <figcaption>
        <span class="title">{chart.title}</span>
        {bucket === undefined ? null : <span class="dim">{when(at ?? 0)}</span>}
        {bucket !== undefined || chart.lacks === undefined ? null : <span class="warn">{chart.lacks}</span>}
        <span class="keys">
          {chart.stacks.map(({ name, values }, i) => (
            <span key={name} class={`key k-${chart.title.replaceAll(' ', '-')}-${i}`}>
              {several ? `${name} ` : ''}
              {chart.text(bucket === undefined ? (sums[i] ?? 0) : (values[at ?? 0] ?? 0))}
            </span>
          ))}
        </span>
      </figcaption>
      {drawer === null && drawing.missing.value ? (
        <p class="note">
          The part of this page that draws charts could not be loaded; the page tries again at its next connection to
          the host.
        </p>
      ) : null}
      <div
        ref={place}
        class="plot"
        role="img"
        aria-label={`${chart.title} over time: ${total}; the most in one bar ${most}${lacking}`}
      />
      <Values chart={chart} stats={stats} />
    </figure>
  );
}

/** The chart's values as a table, the latest first; times without a turn are left out. */
function Values({ chart, stats }: { chart: Chart; stats: Stats }) {
  const [open, setOpen] = useState(false);
  const rows = stats.buckets
    .map(({ at }, i) => ({ at, values: chart.stacks.map(({ values }) => values[i] ?? 0) }))
    .filter(({ values }) => values.some((value) => value > 0))
    .toReversed();
  return (
    <details class="values" onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>as a table</summary>
      {open ? (
        <Table
          label={`${chart.title} over time`}
          columns={<Columns words={['from']} figures={chart.stacks.map(({ name }) => name)} />}
        >
          <tbody>
            {rows.map(({ at, values }) => (
              <tr key={at}>
                <th scope="row">
                  <Clock at={at} />
                </th>
                {values.map((value, i) => (
                  <td key={chart.stacks[i]?.name} class="n">
                    {value === 0 ? '–' : chart.text(value)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </Table>
      ) : null}
    </details>
  );
}
