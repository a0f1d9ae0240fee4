import { describe, expect, test, vi } from 'vitest';
import type { Agent, Stats, Transient } from '../../api/types';
import { manyActions } from './many';
import {
  chosenNames,
  counted,
  heldOrder,
  itemsOf,
  linesOf,
  nameOfItem,
  nameOfLine,
  orderText,
  selectedOf,
  shownLines,
  wantedOf,
} from './roster';
import { STILL_MS, Stillness } from './still';

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
    ['sort=-name&q=i', ['worker', 'undriven', 'new', 'idler', 'broken', 'asker', 'manager']],
    ['sort=-unread&q=i', ['manager', 'asker', 'broken', 'new', 'undriven', 'worker', 'idler']],
    ['sort=nonsense&state=nonsense&q=broken', ['broken']],
    ['sort=-nonsense&q=broken', ['broken']],
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

  test.each([
    ['', []],
    ['group=state', ['failed 1', 'waits 2', 'working 2', 'idle 2']],
    ['group=model', ['being made 1', 'claude-sonnet-4-5 1', 'no model yet 5']],
    ['group=role', ['manager 1', 'agent 5', 'being made 1']],
    ['group=runtime&q=idler', ['process 1']],
    ['group=nonsense', []],
  ])('puts lines under the heads of their groups: %s', (query, heads) => {
    const wanted = wantedOf(new URLSearchParams(query));
    const items = itemsOf(shownLines(lines, wanted), wanted.by, new Set());
    expect(items.flatMap((item) => ('head' in item ? `${item.head} ${item.lines.length}` : []))).toEqual(heads);
    expect(items.flatMap((item) => ('line' in item ? item.line.name : [])).toSorted()).toEqual(names(query).toSorted());
  });

  test('folds a group, and chooses all of one or none', () => {
    const items = itemsOf(lines, 'role', new Set(['role:agent']));
    expect(items.map(({ key }) => key)).toEqual(['role:manager', 'manager', 'role:agent', 'role:being made', 'new']);
    expect(items.map(nameOfItem)[2]).toBe('Group agent, 5 agents, folded');
    const agents = ['idler', 'worker', 'broken', 'asker', 'undriven'];
    const chosen = (keys: readonly string[], before: readonly string[]) =>
      [...chosenNames(new Set(keys), items, new Set(before))].toSorted();
    expect(chosen(['manager', 'role:agent', 'idler'], ['manager', 'idler'])).toEqual([...agents, 'manager'].toSorted());
    expect(chosen(['manager', 'role:agent', ...agents], ['manager', ...agents])).toEqual(['manager']);
  });

  test('chooses every line of open and folded groups at once, or none', () => {
    for (const folded of [new Set<string>(), new Set(['role:agent'])]) {
      const items = itemsOf(lines, 'role', folded);
      const keys = new Set(items.map(({ key }) => key));
      const all = chosenNames(keys, items, new Set());
      expect([...all].toSorted()).toEqual(lines.map(({ name }) => name).toSorted());
      expect([...chosenNames(new Set([...all, ...keys]), items, all)]).toEqual([]);
    }
  });

  test('chooses the lines of a range over a whole group', () => {
    const items = itemsOf(lines, 'role', new Set());
    const range = ['manager', 'role:agent', 'idler', 'worker', 'broken', 'asker', 'undriven'];
    expect([...chosenNames(new Set(range), items, new Set(['manager']))].toSorted()).toEqual(
      range.filter((key) => key !== 'role:agent').toSorted(),
    );
  });

  test('acts on the chosen lines that are shown, and on no other', () => {
    const chosen = new Set(lines.map(({ name }) => name));
    const shown = shownLines(lines, wantedOf(new URLSearchParams('q=asks')));
    expect(selectedOf(shown, chosen).map(({ name }) => name)).toEqual(['asker']);
  });

  test('holds its order while the pointer moves, and not while it lies there', () => {
    vi.useFakeTimers();
    const pointer = new Stillness();
    pointer.moved();
    vi.advanceTimersByTime(STILL_MS - 1);
    pointer.moved();
    vi.advanceTimersByTime(STILL_MS - 1);
    expect(pointer.moves.value).toBe(true);
    vi.advanceTimersByTime(1);
    expect(pointer.moves.value).toBe(false);
    vi.useRealTimers();
  });

  test('keeps an order in the address, but not the usual one', () => {
    expect([orderText('state', false), orderText('state', true), orderText('cost', false)]).toEqual([
      null,
      '-state',
      'cost',
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
