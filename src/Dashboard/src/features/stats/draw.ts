import { effect } from '@preact/signals';
import uPlot from 'uplot';
import type { Stats } from '../../api/types';
import { preferences } from '../../ui/preferences';
import type { Chart } from './figures';

const HEIGHT = 120;
const DAY = 86_400;

/** A chart that is drawn on the page. */
export interface Drawn {
  show(chart: Chart, stats: Stats): void;
  remove(): void;
}

/** Draws a chart as wide as its element, and reports the bar under the pointer. */
export function draw(place: HTMLElement, first: Chart, stats: Stats, onPointer: (bar: number | null) => void): Drawn {
  const paint = (token: string) => () => colourOf(place, token);
  const font = `12px ${getComputedStyle(place).fontFamily}`;
  let shown = first;
  let span: [number, number] = spanOf(stats);
  const plot = new uPlot(
    {
      width: Math.max(1, place.clientWidth),
      height: HEIGHT,
      // Room for half of the last label.
      padding: [8, 20, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false, setScale: false } },
      scales: {
        x: { time: true, range: () => span },
        y: { range: (_, __, most) => [0, most > 0 ? most * 1.05 : 1] },
      },
      axes: [
        {
          stroke: paint('dim'),
          font,
          size: 24,
          gap: 4,
          space: 70,
          grid: { show: false },
          ticks: { stroke: paint('line'), size: 4 },
          values: (_, at, __, ___, step) => at.map((seconds) => timeAt(seconds, step)),
        },
        {
          stroke: paint('dim'),
          font,
          size: 58,
          gap: 4,
          space: 28,
          grid: { stroke: paint('line'), width: 1 },
          ticks: { show: false },
          ...(first.steps === undefined ? {} : { incrs: [...first.steps] }),
          values: (_, at) => at.map((value) => (value === 0 ? '0' : shown.text(value))),
        },
      ],
      series: [
        {},
        // Each bar starts at 0 and is as high as the sum up to it, so the highest is drawn first.
        ...first.stacks.toReversed().map(({ colour }) => ({
          fill: paint(colour),
          stroke: paint(colour),
          width: 0,
          points: { show: false },
          paths: barPaths(),
        })),
      ],
      hooks: {
        setCursor: [({ cursor }) => onPointer(cursor.idx == null || (cursor.left ?? -1) < 0 ? null : cursor.idx)],
      },
    },
    dataOf(first, stats),
    place,
  );
  const resized = new ResizeObserver(() => {
    if (place.clientWidth > 0 && place.clientWidth !== plot.width)
      plot.setSize({ width: place.clientWidth, height: HEIGHT });
  });
  resized.observe(place);
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const redraw = () => plot.redraw(false);
  dark.addEventListener('change', redraw);
  const forget = effect(() => {
    preferences.value.theme;
    // After the document has the new theme.
    queueMicrotask(redraw);
  });
  return {
    show(chart, next) {
      shown = chart;
      span = spanOf(next);
      plot.setData(dataOf(chart, next));
    },
    remove() {
      resized.disconnect();
      dark.removeEventListener('change', redraw);
      forget();
      plot.destroy();
    },
  };
}

/** A token's colour in the theme that is shown: a canvas knows no variables. */
function colourOf(place: HTMLElement, token: string): string {
  place.style.setProperty('outline-color', `var(--${token})`);
  const colour = getComputedStyle(place).outlineColor;
  place.style.removeProperty('outline-color');
  return colour;
}

/** To the right of its instant, which is the bucket's beginning. */
function barPaths(): uPlot.Series.PathBuilder {
  const bars = uPlot.paths.bars;
  if (bars === undefined) throw new Error('uPlot has no bars');
  return bars({ size: [0.82, 40], align: 1 });
}

const seconds = (at: string): number => Date.parse(at) / 1000;

function spanOf({ buckets, bucket_seconds }: Stats): [number, number] {
  const from = seconds(buckets[0]?.at ?? new Date(0).toISOString());
  return [from, from + Math.max(1, buckets.length) * bucket_seconds];
}

function dataOf({ stacks }: Chart, { buckets }: Stats): uPlot.AlignedData {
  const sums = stacks.map((_, top) =>
    buckets.map((__, i) => stacks.slice(0, top + 1).reduce((sum, { values }) => sum + (values[i] ?? 0), 0)),
  );
  return [buckets.map(({ at }) => seconds(at)), ...sums.toReversed()];
}

const two = (n: number): string => String(n).padStart(2, '0');

function timeAt(at: number, step: number): string {
  const t = new Date(at * 1000);
  return step >= DAY ? `${two(t.getMonth() + 1)}-${two(t.getDate())}` : `${two(t.getHours())}:${two(t.getMinutes())}`;
}
