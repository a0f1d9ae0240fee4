import type { AgentStats, Bucket, Price, Stats, Turn } from '../../api/types';
import { counted, durationText, tokensText, usdText } from '../../ui/text/figures';

/** The figures of a turn. */
export interface Figures {
  model?: string | null;
  started_at?: string | null;
  ended_at?: string | null;
  duration_ms?: number | null;
  input_tokens?: number | null;
  output_tokens?: number | null;
  cache_read_input_tokens?: number | null;
  cache_creation_input_tokens?: number | null;
  tool_call_count?: number | null;
  tool_calls?: Readonly<Record<string, number>> | null;
}

/** How far back statistics look. */
export type Window = '1h' | '24h' | '7d' | '30d';

export type Sums = Omit<Bucket, 'at'>;

export const WINDOWS: readonly Window[] = ['1h', '24h', '7d', '30d'];

/** All input tokens: fresh ones, and those read from and written to the cache. */
export const inputOf = (figures: Figures | Sums): number =>
  (figures.input_tokens ?? 0) + (figures.cache_read_input_tokens ?? 0) + (figures.cache_creation_input_tokens ?? 0);

const nothing: Sums = {
  turns: 0,
  failed: 0,
  input_tokens: 0,
  output_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
  cost_usd: 0,
  duration_ms: 0,
};

export interface Totals extends Sums {
  tool_call_count: number;
  unpriced_turns: number;
}

/** The sums over all agents. */
export function totalsOf({ agents }: Pick<Stats, 'agents'>): Totals {
  const sum = (of: (agent: AgentStats) => number) => agents.reduce((total, agent) => total + of(agent), 0);
  const all = {
    ...nothing,
    tool_call_count: sum((a) => a.tool_call_count),
    unpriced_turns: sum((a) => a.unpriced_turns),
  };
  for (const field of Object.keys(nothing) as (keyof Sums)[]) all[field] = sum((a) => a[field]);
  return all;
}

/** The cost; marked where it leaves out turns of models without a price. */
export function costText({
  cost_usd,
  unpriced_turns,
  turns,
}: Pick<Totals, 'cost_usd' | 'unpriced_turns' | 'turns'>): string {
  if (unpriced_turns === 0) return usdText(cost_usd);
  return unpriced_turns >= turns && cost_usd === 0 ? 'unknown' : `≥ ${usdText(cost_usd)}`;
}

/** The result of a turn. */
export interface ResultWords {
  glyph: string;
  words: string;
  tone: 'good' | 'bad' | 'warn' | 'orange' | 'info';
}

const RESULTS: Record<string, ResultWords> = {
  ok: { glyph: '✓', words: 'ok', tone: 'good' },
  failed: { glyph: '✗', words: 'failed', tone: 'bad' },
  lost: { glyph: '✗', words: 'lost: its process ended', tone: 'bad' },
  prompt_too_long: { glyph: '✗', words: 'prompt too long', tone: 'bad' },
  cancelled: { glyph: '■', words: 'cancelled', tone: 'warn' },
  rate_limited: { glyph: '◷', words: 'rate limited', tone: 'orange' },
};

export const resultWords = (result: string | null | undefined): ResultWords =>
  result == null
    ? { glyph: '◌', words: 'running', tone: 'info' }
    : (RESULTS[result] ?? { glyph: '✗', words: result, tone: 'bad' });

/** `Bash 3, Read 1`: the most used first. */
export function toolsText(calls: Readonly<Record<string, number>> | null | undefined): string {
  return Object.entries(calls ?? {})
    .sort(([a, m], [b, n]) => n - m || a.localeCompare(b))
    .map(([tool, count]) => `${tool.replace(/^mcp__(.+?)__/, '$1·')} ${count}`)
    .join(', ');
}

/** A short text of a turn's figures. */
export function turnWords(turn: Figures): string {
  const tools = turn.tool_call_count ?? 0;
  const [into, out] = [inputOf(turn), turn.output_tokens ?? 0];
  return [
    turn.duration_ms == null ? '' : durationText(turn.duration_ms),
    tools > 0 ? counted(tools, 'tool call') : '',
    into + out > 0 ? `${tokensText(into)} in, ${tokensText(out)} out` : '',
  ]
    .filter((part) => part !== '')
    .join(' · ');
}

/** The fetched turns with newer ones laid over them: newest first, each once. */
export function mergedTurns(fetched: readonly Turn[], told: readonly Turn[]): Turn[] {
  const all = new Map(fetched.map((turn) => [turn.id, turn]));
  const oldest = fetched.at(-1)?.id ?? 0;
  for (const turn of told) if (turn.id >= oldest) all.set(turn.id, turn);
  return [...all.values()].sort((a, b) => b.id - a.id);
}

/** A colour of the tokens; one thing has the same colour in every chart. */
export type Token = 'good' | 'bad' | 'control' | 'info' | 'peer' | 'accent';

/** The data of one chart: stacked bars, from the bottom up, one value per bucket. */
export interface Chart {
  title: string;
  stacks: readonly { name: string; colour: Token; values: readonly number[] }[];
  /** The text of a value, at the axis and for screen readers. */
  text: (value: number) => string;
  /** The steps that the axis may have, where only some are readable. */
  steps?: readonly number[];
  /** The turns that the bars leave out. */
  lacks?: string;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const TIMES = [1, 2, 5, 10, 15, 30]
  .flatMap((n) => [n * SECOND, n * MINUTE])
  .concat([1, 2, 3, 6, 12, 24, 48, 120, 240, 480, 1200].map((n) => n * HOUR))
  .sort((a, b) => a - b);
const WHOLE = [1, 2, 5].flatMap((n) => [0, 1, 2, 3, 4, 5, 6].map((power) => n * 10 ** power)).sort((a, b) => a - b);

/** The four charts of some turns. Of a bucket without a turn every value is 0. */
export function chartsOf({ buckets, agents }: Pick<Stats, 'buckets' | 'agents'>): Chart[] {
  const { unpriced_turns: unpriced } = totalsOf({ agents });
  const of = (value: (bucket: Stats['buckets'][number]) => number) => buckets.map(value);
  return [
    {
      title: 'turns',
      steps: WHOLE,
      text: (value) => String(Math.round(value)),
      stacks: [
        { name: 'done', colour: 'good', values: of((b) => b.turns - b.failed) },
        { name: 'failed', colour: 'bad', values: of((b) => b.failed) },
      ],
    },
    {
      title: 'tokens',
      text: tokensText,
      stacks: [
        { name: 'cached', colour: 'control', values: of((b) => b.cache_read_input_tokens) },
        { name: 'in', colour: 'info', values: of((b) => b.input_tokens + b.cache_creation_input_tokens) },
        { name: 'out', colour: 'peer', values: of((b) => b.output_tokens) },
      ],
    },
    {
      title: 'cost',
      text: usdText,
      ...(unpriced === 0 ? {} : { lacks: `without ${counted(unpriced, 'turn')} of unknown price` }),
      stacks: [{ name: 'cost', colour: 'accent', values: of((b) => b.cost_usd) }],
    },
    {
      title: 'time in turns',
      text: (value) => durationText(value).replace(/ 00[sm]$|(?<=\d)\.0(?=s$)/, ''),
      steps: TIMES,
      stacks: [{ name: 'time', colour: 'info', values: of((b) => b.duration_ms) }],
    },
  ];
}

/** A row of the price table while it is edited: numbers as text. */
export type PriceDraft = Record<keyof Price, string>;

export const PRICE_FIELDS = ['input', 'output', 'cache_read', 'cache_creation'] as const;

export const draftOf = (price: Price): PriceDraft => ({
  model: price.model,
  input: String(price.input),
  output: String(price.output),
  cache_read: String(price.cache_read),
  cache_creation: String(price.cache_creation),
});

export const emptyDraft = (model = ''): PriceDraft => ({
  model,
  input: '',
  output: '',
  cache_read: '',
  cache_creation: '',
});

/** The edited table, or its first fault. */
export function readPrices(drafts: readonly PriceDraft[]): { prices: Price[] } | { fault: string } {
  const prices: Price[] = [];
  const seen = new Set<string>();
  for (const draft of drafts) {
    const model = draft.model.trim();
    if (model === '')
      return {
        fault:
          'A row has no model; enter the name that its tool uses (a * at the end matches anything), or remove the row.',
      };
    if (/\*./.test(model)) return { fault: `${model}: a * is allowed at the end only.` };
    if (seen.has(model)) return { fault: `${model} is listed twice.` };
    seen.add(model);
    const price: Price = { model, input: 0, output: 0, cache_read: 0, cache_creation: 0 };
    for (const field of PRICE_FIELDS) {
      const typed = draft[field].trim().replace(',', '.');
      const value = Number(typed);
      if (typed === '' || !Number.isFinite(value) || value < 0)
        return {
          fault: `${model}: ${field.replace('_', ' ')} must be a number of US dollars per million tokens, 0 or more.`,
        };
      price[field] = value;
    }
    prices.push(price);
  }
  return { prices };
}
