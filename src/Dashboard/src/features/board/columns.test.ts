import { describe, expect, test } from 'vitest';
import type { Phase, Waiting } from '../../api/types';
import { card, column, columns, later, workflow } from '../../test/board-rows';
import { waiting } from '../waiting';
import {
  allows,
  beforeOf,
  cardsOf,
  columnBeside,
  columnsOf,
  countText,
  filterIn,
  fullness,
  gateOf,
  type Lane,
  lanesOf,
  needsYou,
  phaseIn,
  type Step,
  stepTo,
} from './columns';

const ship = workflow();
/** The workflow with something that its phase for building asks. */
const asking = (asks: Partial<Phase>) => {
  const spec = { ...ship.spec, phases: ship.spec.phases.map((p) => (p.id === 'PHASE_BUILD' ? { ...p, ...asks } : p)) };
  return { ...ship, spec };
};
const shown = columnsOf('ship', ship, columns());
const idsOf = (lanes: readonly Lane[]) =>
  Object.fromEntries(lanes.map((lane) => [lane.column.id, cardsOf(lane).map(({ id }) => id)]));

describe('the columns', () => {
  test('stand in the order of the workflow, with the blocked tickets at the end', () => {
    const mixed = [...columns()].reverse();
    expect(columnsOf('ship', ship, mixed).map(({ id }) => id)).toEqual([
      'backlog',
      'building',
      'testing',
      'done',
      'blocked',
    ]);
    expect(columnsOf('other', undefined, mixed)).toEqual([]);
  });

  test('have one for blocked tickets, whose count is that of all columns', () => {
    const blocked = column('stuck', ['PHASE_BLOCKED'], { terminal: true });
    const all = [blocked, ...columns().map((one) => ({ ...one, count: 8, blocked: 2 }))];
    const overlay = columnsOf('ship', undefined, all)[0];
    expect(overlay).toMatchObject({ id: 'stuck', count: 8, terminal: false });
    expect(countText(overlay ?? blocked)).toBe('8');
  });

  test('say their exact counts', () => {
    const full = column('building', ['PHASE_BUILD'], { count: 8, wip_limit: 10, blocked: 3 });
    expect(countText(full)).toBe('8 of 10, 3 blocked');
    expect(countText(column('building', ['PHASE_BUILD'], { count: 8, waiting: 2 }))).toBe('8, 2 waiting');
    expect([7, 8, 9].map((count) => fullness({ ...full, count, wip_limit: 8 }))).toEqual(['room', 'full', 'over']);
  });

  test('hold each card once: by its block, its wait, or its phase', () => {
    const lanes = lanesOf(shown, [
      card(1),
      card(2, { phase_id: 'PHASE_BUILD', blocked: 'environment' }),
      card(3, { phase_id: 'PHASE_BUILD', gate: 'waiting', waiting_for: 'Testing' }),
      card(4, { phase_id: 'PHASE_TEST' }),
      card(5, { phase_id: 'PHASE_GONE' }),
      card(6, { status: 'pending_review' }),
      card(7, { status: 'pending_review', done_at: later(1) }),
    ]);
    expect(idsOf(lanes)).toEqual({ backlog: [6, 1, 5], building: [], testing: [3, 4], done: [], blocked: [2] });
    expect(lanes[2]?.waiting.map(({ id }) => id)).toEqual([3]);
  });

  test('order cards by rank, those in front by their turn, those that ended by their end', () => {
    const waits = { phase_id: 'PHASE_BUILD', gate: 'waiting', waiting_for: 'Testing' };
    const done = { phase_id: 'PHASE_DONE' };
    const lanes = lanesOf(shown, [
      card(1, { rank: 5 }),
      card(2, { rank: 1.5 }),
      card(3, { ...waits, waiting_since: later(9) }),
      card(4, { ...waits, waiting_since: later(1) }),
      card(5, { ...waits, waiting_since: later(99), priority: 'HIGH' }),
      card(6, { ...done, done_at: later(1) }),
      card(7, { ...done, done_at: later(2) }),
    ]);
    expect(idsOf(lanes)).toMatchObject({ backlog: [2, 1], testing: [5, 4, 3], done: [7, 6] });
  });

  test('know how many more cards the host has, and hold none of a ticket that was rejected', () => {
    const rejected = card(3, { status: 'pending_review', done_at: later(1) });
    const lanes = lanesOf(shown, [card(1), rejected], undefined, new Map([['backlog', 7]]));
    expect([idsOf(lanes).backlog, lanes.map(({ more }) => more)]).toEqual([[1], [7, 0, 0, 0, 0]]);
  });

  test('show a card where it is being moved to', () => {
    expect(idsOf(lanesOf(shown, [card(1)], new Map([[1, 'testing']])))).toMatchObject({ backlog: [], testing: [1] });
  });
});

describe('the keys', () => {
  const lanes = lanesOf(shown, [
    card(1),
    card(2),
    card(3),
    card(4, { phase_id: 'PHASE_TEST' }),
    card(5, { blocked: 'budget' }),
  ]);
  test.each<[number | null, Step, number]>([
    [null, 'next', 1],
    [1, 'next', 2],
    [3, 'next', 3],
    [1, 'previous', 1],
    [3, 'first', 1],
    [1, 'last', 3],
    [3, 'right', 4],
    [4, 'right', 5],
    [5, 'right', 5],
    [4, 'left', 1],
    [1, 'left', 1],
    [99, 'left', 1],
  ])('lead from card %s by %s to card %s', (from, step, to) => {
    expect(stepTo(lanes, from, step)).toBe(to);
  });

  test('lead nowhere on an empty board', () => {
    expect(stepTo(lanesOf(shown, []), null, 'next')).toBeNull();
  });

  test('move a card among its neighbours, and not beyond the ends', () => {
    const cards = [card(1), card(2), card(3)];
    expect([beforeOf(cards, 1, -1), beforeOf(cards, 3, 1), beforeOf(cards, 9, 1)]).toEqual([null, null, null]);
    expect([beforeOf(cards, 2, -1), beforeOf(cards, 1, 1), beforeOf(cards, 2, 1)]).toEqual([1, 3, 'end']);
  });

  test('move a card past the blocked ones to the next column of its phase', () => {
    const blocked = card(1, { phase_id: 'PHASE_BUILD', blocked: 'budget' });
    expect(columnBeside(blocked, shown, 1)?.id).toBe('testing');
    expect(columnBeside(blocked, shown, -1)?.id).toBe('backlog');
    expect(columnBeside(card(2, { phase_id: 'PHASE_DONE' }), shown, 1)).toBeUndefined();
  });
});

describe('a move to a column', () => {
  const analysis = column('analysis', ['PHASE_A', 'PHASE_BUILD']);
  test('enters a phase that the workflow allows, else the column’s first', () => {
    expect(phaseIn(analysis, card(1), ship)).toBe('PHASE_BUILD');
    expect(phaseIn(analysis, card(1, { phase_id: 'PHASE_DONE' }), ship)).toBe('PHASE_A');
    expect(phaseIn(analysis, card(1), undefined)).toBe('PHASE_A');
  });

  test('is offered where the workflow allows it', () => {
    const offered = (phase_id: string) =>
      shown.filter((one) => allows(one, card(1, { phase_id }), ship)).map(({ id }) => id);
    expect(offered('PHASE_BACKLOG')).toEqual(['building', 'blocked']);
    expect(offered('PHASE_TEST')).toEqual(['building', 'done', 'blocked']);
  });
});

test('a filter of the address knows the states, and nothing else', () => {
  const filter = (text: string) => filterIn(new URLSearchParams(text));
  expect(filter('q=a&state=blocked')).toEqual({ words: 'a', state: 'blocked' });
  expect(filter('state=nonsense').state).toBeNull();
});

test('only a phase that asks for something has a gate to pass', () => {
  const passed = card(1, { phase_id: 'PHASE_BUILD', gate: 'passed' });
  const output = { type: 'code_changes', required: true };
  const template = { type: 'build', title: 'Build', expected_outputs: [] } as never;
  expect(gateOf(passed, ship)).toBe('open');
  expect(gateOf(passed, asking({ gate: { criteria: [{ tasks_complete: false }], max_iterations: 3 } }))).toBe('open');
  expect(gateOf(passed, asking({ expected_outputs: [{ ...output, required: false }] }))).toBe('open');
  const asked: Partial<Phase>[] = [
    { tasks: [template] },
    { expected_outputs: [output] },
    { gate: { criteria: [{ tasks_complete: false, operator: 'Good?' }], max_iterations: 3 } },
  ];
  for (const asks of asked) expect(gateOf(passed, asking(asks)), JSON.stringify(asks)).toBe('passed');
  expect(gateOf({ ...passed, gate: 'failed' }, ship)).toBe('failed');
  expect(gateOf(passed, undefined)).toBe('passed');
});

test('a ticket that needs the operator waits, unless its block or its approval says so already', () => {
  const waits = card(1, { needs_you: 'question-12' });
  expect(needsYou(waits)).toBeNull();
  waiting.put({ key: 'question-12', urgency: 'now' } as Waiting);
  expect(needsYou(waits)).toBe('question-12');
  for (const rest of [{ blocked: 'environment' }, { status: 'pending_review' }, { done_at: later(1) }])
    expect(needsYou({ ...waits, ...rest })).toBeNull();
  waiting.remove('question-12');
  expect(needsYou(waits)).toBeNull();
});
