import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AgentStats, Stats, Turn } from '../../api/types';
import { durationText, tokensText, usdText } from '../../ui/text/figures';
import type { Window } from './figures';
import {
  chartsOf,
  costText,
  draftOf,
  mergedTurns,
  readPrices,
  resultWords,
  toolsText,
  totalsOf,
  turnWords,
} from './figures';
import { AFTER_TURN_MS, EVERY_MS, Statistics } from './statistics';
import { costOfToday } from './today';

const AT = '2026-05-01T12:00:00.000Z';
const sums = {
  turns: 0,
  failed: 0,
  input_tokens: 0,
  output_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
  cost_usd: 0,
  duration_ms: 0,
};
const agent = (name: string, rest: Partial<AgentStats> = {}): AgentStats => ({
  ...sums,
  name,
  tool_call_count: 0,
  unpriced_turns: 0,
  ...rest,
});
const stats = (rest: Partial<Stats> = {}): Stats => ({
  window: '1h',
  from_at: AT,
  to_at: AT,
  bucket_seconds: 60,
  unknown_models: [],
  agents: [],
  buckets: [],
  ...rest,
});

test('figures are short enough for a badge', () => {
  expect([0, 999, 1000, 12_345, 99_949, 99_950, 999_499, 999_500, 9_990_000, 12_300_000, 2e9].map(tokensText)).toEqual([
    '0',
    '999',
    '1.0k',
    '12.3k',
    '99.9k',
    '100k',
    '999k',
    '1.00M',
    '9.99M',
    '12.3M',
    '2.00G',
  ]);
  expect([0, 0.001, 0.0051, 1.234, 999.99, 1234.5].map(usdText)).toEqual([
    '$0',
    '<$0.01',
    '$0.01',
    '$1.23',
    '$999.99',
    '$1235',
  ]);
  expect([0, 999, 1000, 59_949, 59_950, 245_000, 3_599_600, 11_520_000].map(durationText)).toEqual([
    '0ms',
    '999ms',
    '1.0s',
    '59.9s',
    '1m 00s',
    '4m 05s',
    '1h 00m',
    '3h 12m',
  ]);
});

test('sums cover all agents, and an incomplete cost is marked', () => {
  const totals = totalsOf(
    stats({
      agents: [
        agent('a', { turns: 2, cost_usd: 1, tool_call_count: 3 }),
        agent('b', { turns: 1, failed: 1, cost_usd: 0.5, unpriced_turns: 1, output_tokens: 7 }),
      ],
    }),
  );
  expect(totals).toMatchObject({
    turns: 3,
    failed: 1,
    cost_usd: 1.5,
    tool_call_count: 3,
    unpriced_turns: 1,
    output_tokens: 7,
  });
  expect(costText(totals)).toBe('≥ $1.50');
  expect(costText({ turns: 3, unpriced_turns: 0, cost_usd: 1.5 })).toBe('$1.50');
  expect(costText({ turns: 3, unpriced_turns: 3, cost_usd: 0 })).toBe('unknown');
});

test('charts stack what belongs together', () => {
  const [turns, tokens, cost, time] = chartsOf(
    stats({
      buckets: [
        {
          at: AT,
          ...sums,
          turns: 3,
          failed: 1,
          input_tokens: 1,
          cache_creation_input_tokens: 2,
          cache_read_input_tokens: 4,
          output_tokens: 8,
          cost_usd: 0.1,
          duration_ms: 50,
        },
      ],
    }),
  );
  const values = (chart: typeof turns) => chart?.stacks.map((stack) => stack.values[0]);
  expect([values(turns), values(tokens), values(cost), values(time)]).toEqual([[2, 1], [4, 3, 8], [0.1], [50]]);
});

describe('a turn', () => {
  const turn = (id: number, rest: Partial<Turn> = {}): Turn => ({ id, agent: 'a', wake_from: 'operator', ...rest });

  test('has a short text', () => {
    expect(
      turnWords({
        duration_ms: 12_300,
        tool_call_count: 1,
        input_tokens: 100,
        cache_read_input_tokens: 900,
        output_tokens: 50,
      }),
    ).toBe('12.3s · 1 tool call · 1.0k in, 50 out');
    expect(turnWords({})).toBe('');
    expect(toolsText({ Bash: 1, Read: 3, mcp__hive__send: 1 })).toBe('Read 3, Bash 1, hive·send 1');
    expect(toolsText(null)).toBe('');
    expect(resultWords(null).words).toBe('running');
    expect(resultWords('prompt_too_long').words).toBe('prompt too long');
    expect(resultWords('odd')).toMatchObject({ words: 'odd', tone: 'bad' });
  });

  test('that was fetched and changed since is listed once, as it was last', () => {
    expect(resultWords('lost')).toMatchObject({ words: 'lost: its process ended', tone: 'bad' });
    const merged = mergedTurns([turn(5), turn(4)], [turn(6, { result: 'ok' }), turn(5, { result: 'failed' }), turn(2)]);
    expect(merged.map(({ id, result }) => [id, result])).toEqual([
      [6, 'ok'],
      [5, 'failed'],
      [4, undefined],
    ]);
  });
});

describe('the price table', () => {
  const row = (model: string, input = '3') => ({
    model,
    input,
    output: '15',
    cache_read: '0.3',
    cache_creation: '3,75',
  });

  test('is read as it was typed', () => {
    const read = readPrices([row(' m-* ')]);
    expect(read).toEqual({ prices: [{ model: 'm-*', input: 3, output: 15, cache_read: 0.3, cache_creation: 3.75 }] });
    expect('prices' in read && read.prices.map(draftOf)).toEqual([
      { model: 'm-*', input: '3', output: '15', cache_read: '0.3', cache_creation: '3.75' },
    ]);
  });

  test.each([
    [[row('')], 'has no model'],
    [[row('a'), row('a ')], 'twice'],
    [[row('a*b')], 'at the end only'],
    [[row('a', '')], 'a: input must be a number'],
    [[row('a', '-1')], 'a: input must be a number'],
    [[row('a', 'Infinity')], 'a: input must be a number'],
  ])('%j is refused', (rows, words) => {
    expect(readPrices(rows)).toEqual({ fault: expect.stringContaining(words) as string });
  });
});

describe('statistics', () => {
  let asked: Window[];
  let visible: boolean;
  let fail: boolean;
  let statistics: Statistics;

  beforeEach(() => {
    vi.useFakeTimers();
    [asked, visible, fail] = [[], true, false];
    statistics = new Statistics(
      '24h',
      async (window) => {
        asked.push(window);
        if (fail) throw new Error('away');
        return stats({ window });
      },
      () => visible,
    );
  });
  afterEach(() => {
    statistics.stop();
    vi.useRealTimers();
  });
  const wait = (ms: number) => vi.advanceTimersByTimeAsync(ms);

  test('are read once for many turns that end together, and once a minute without any', async () => {
    await statistics.read();
    for (let i = 0; i < 50; i++) statistics.changed();
    await wait(AFTER_TURN_MS);
    expect(asked).toHaveLength(2);
    await wait(EVERY_MS);
    expect(asked).toHaveLength(3);
  });

  test('are read again when a turn ended during a read', async () => {
    const reading = statistics.read();
    statistics.changed();
    await reading;
    await wait(AFTER_TURN_MS);
    expect(asked).toHaveLength(2);
  });

  test('are not read while the page is hidden', async () => {
    await statistics.read();
    visible = false;
    statistics.shown();
    statistics.changed();
    await wait(10 * EVERY_MS);
    expect(asked).toHaveLength(1);
    visible = true;
    statistics.shown();
    await wait(0);
    expect(asked).toHaveLength(2);
  });

  test('stay as they are when a read fails, and report it', async () => {
    await statistics.read();
    fail = true;
    statistics.show('7d');
    await wait(0);
    expect(asked).toEqual(['24h', '7d']);
    expect(statistics.error.value).toBe('away');
    expect(statistics.stats.value?.window).toBe('24h');
    fail = false;
    await wait(EVERY_MS);
    expect(statistics.error.value).toBeNull();
    expect(statistics.stats.value?.window).toBe('7d');
  });
});

describe('the cost of today', () => {
  const noon = new Date(2026, 4, 1, 12);
  const bucket = (hour: number, rest: object) => ({ ...sums, at: new Date(2026, 4, 1, hour).toISOString(), ...rest });
  const day = (agents: readonly AgentStats[], buckets: readonly object[]) =>
    ({ ...stats(), bucket_seconds: 1800, agents, buckets }) as unknown as Stats;

  test('begins at midnight', () => {
    const yesterday = bucket(-1, { turns: 3, cost_usd: 5 });
    const today = [bucket(0, { turns: 1, cost_usd: 0.5 }), bucket(9, { turns: 2, cost_usd: 1.25 })];
    expect(costOfToday(day([agent('a')], [yesterday, ...today]), noon)).toBe('$1.75');
    expect(costOfToday(day([agent('a')], [yesterday]), noon)).toBeNull();
  });

  test('is a lower bound while a model has no price', () => {
    const unpriced = agent('a', { turns: 2, unpriced_turns: 1 });
    expect(costOfToday(day([unpriced], [bucket(9, { turns: 2, cost_usd: 1 })]), noon)).toBe('≥ $1.00');
  });
});
