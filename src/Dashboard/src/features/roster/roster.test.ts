import { describe, expect, test } from 'vitest';
import type { Agent, Stats, Transient } from '../../api/types';
import { manyActions } from './many';
import { counted, heldOrder, linesOf, nameOfLine, shownLines, wantedOf } from './roster';

const AT = '2026-05-01T12:00:00.000Z';

const agent = (name: string, state: string, rest: Partial<Agent> = {}): Agent =>
  ({
    name,
    role: 'agent',
    runtime: 'process',
    running: true,
    failed: false,
    paused: false,
    needs_login: false,
    needs_update: false,
    unread: 0,
    delayed: 0,
    parked: 0,
    pending_reminders: 0,
    url: '',
    activity: { state, since_at: AT, ...rest.activity },
    ...Object.fromEntries(Object.entries(rest).filter(([key]) => key !== 'activity')),
  }) as Agent;

const agents = [
  agent('idler', 'idle', { unread: 3 }),
  agent('manager', 'idle', { role: 'manager' }),
  agent('worker', 'working', {
    status_text: 'adds pages',
    active_model: 'claude-sonnet-4-5',
    activity: { state: 'working', since_at: AT, tool: 'Bash npm test', context_percent: 83 },
  }),
  agent('broken', 'failed', { running: false, failed: true, note: 'ended by signal 11', status_text: 'old words' }),
  agent('asker', 'waits for you', { status_text: 'asks' }),
  agent('undriven', 'no driver', { missing: 'claude was not found' }),
];
const table = (rows: readonly Agent[]) => new Map(rows.map((row) => [row.name, row]));
const stats = { agents: [{ name: 'worker', turns: 2, cost_usd: 1.5, unpriced_turns: 0 }] } as unknown as Stats;
const spawning: Transient = { name: 'new', kind: 'spawning', since_at: AT };
const lines = linesOf(table(agents), new Map([['new', spawning]]), stats);
const names = (query: string) => shownLines(lines, wantedOf(new URLSearchParams(query))).map(({ name }) => name);

describe('the roster', () => {
  test('shows failures first, then what waits, then who works; the manager first of equals', () => {
    expect(names('')).toEqual(['broken', 'asker', 'undriven', 'new', 'worker', 'manager', 'idler']);
  });

  test.each([
    ['sort=name', ['manager', 'asker', 'broken', 'idler', 'new', 'undriven', 'worker']],
    ['sort=unread&q=i', ['idler', 'manager', 'asker', 'broken', 'new', 'undriven', 'worker']],
    ['sort=cost&state=working', ['worker', 'new']],
    ['state=waits', ['asker', 'undriven']],
    ['q=SONNET%20npm', ['worker']],
    ['q=%25', []],
    ['sort=nonsense&state=nonsense&q=broken', ['broken']],
  ])('takes its filter and its order from the address: %s', (query, expected) => {
    expect(names(query)).toEqual(expected);
  });

  test('keeps its order while it is held; who is new comes last', () => {
    const before = ['worker', 'gone', 'asker', 'broken', 'idler', 'manager', 'undriven'];
    expect(heldOrder(lines, before).map(({ name }) => name)).toEqual([
      'worker',
      'asker',
      'broken',
      'idler',
      'manager',
      'undriven',
      'new',
    ]);
  });

  test('counts each group of states', () => {
    expect(counted(lines)).toEqual({ failed: 1, waits: 2, working: 2, held: 0, idle: 2, down: 0 });
  });

  test('says why an agent does nothing, and what a working one does', () => {
    const doing = Object.fromEntries(lines.map((line) => [line.name, line.doing]));
    expect(doing).toMatchObject({
      broken: 'ended by signal 11',
      undriven: 'claude was not found',
      worker: 'Bash npm test · adds pages',
      asker: 'asks',
      new: '',
    });
  });

  test('gives each line a name that says all of it', () => {
    const worker = lines.find(({ name }) => name === 'worker');
    expect(worker && nameOfLine(worker)).toBe(
      'worker, working, Bash npm test · adds pages, claude-sonnet-4-5, context 83 %, $1.50 in 24 hours',
    );
  });
});

test('several agents get the actions that fit some of them, each with its number', () => {
  const chosen = [
    agent('a', 'idle'),
    agent('b', 'paused', { paused: true }),
    agent('c', 'stopped', { running: false }),
  ];
  expect(manyActions(chosen).map(({ label, of }) => `${label} ${of}`)).toEqual([
    '‖ P4US3 2 agents',
    '▶ R3SUM3 1 agent',
    '▶ ST4RT 1 agent',
    '■ ST0P 2 agents',
    '↻ R3ST4RT 2 agents',
    '↻ R3BU1LD 3 agents',
  ]);
});
