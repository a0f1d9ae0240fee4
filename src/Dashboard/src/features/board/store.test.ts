import { describe, expect, test } from 'vitest';
import type { BoardColumn, Review, Task, TicketCard } from '../../api/types';
import { card, column, columns, later, task, workflow } from '../../test/board-rows';
import { loaded as load } from '../../test/loaded';
import { eventsOf } from './events';
import { Board, TASKS } from './store';

const loaded = (rest: object = {}) => load(new Board(), eventsOf, rest);
const ids = (rows: readonly { id: number }[]) => rows.map(({ id }) => id).toSorted((a, b) => a - b);
const review = (id: number, rest: Partial<Review> = {}): Review => ({
  id,
  ticket: 1,
  phase_id: 'PHASE_TEST',
  question: 'Ship it?',
  artifacts: [],
  iteration: 0,
  asked_at: later(0),
  stale: false,
  ...rest,
});

/** Numbers that are the same in each run of the test. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('the board', () => {
  test('after any events holds what a fresh snapshot would', () => {
    for (const seed of [1, 2, 3]) {
      const next = randomOf(seed);
      const [cards, tasks, reviews] = [
        new Map<number, TicketCard>(),
        new Map<number, Task>(),
        new Map<number, Review>(),
      ];
      const shown: BoardColumn[] = columns();
      const snapshot = () => ({
        board: shown,
        tasks: [...tasks.values()].filter(({ status }) => !['completed', 'failed', 'cancelled'].includes(status)),
        reviews: [...reviews.values()].filter(({ verdict, stale }) => verdict == null && !stale),
        workflows: [workflow()],
      });
      const { store, event } = loaded(snapshot());
      const read = (board: Board): Board => {
        board.reading()([...cards.values()]);
        return board;
      };
      let show = (_: readonly TicketCard[]) => {};
      let rows: TicketCard[] = [];
      const state = (board: Board) => ({
        cards: board.cards.value.toSorted((a, b) => a.id - b.id),
        columns: board.columns.value,
        tasks: board.tasks.toSorted((a, b) => a.id - b.id),
        reviews: board.reviews.toSorted((a, b) => a.id - b.id),
        workflows: board.workflows.value,
      });
      for (let id = 1; id <= 150; id++) cards.set(id, card(id));
      read(store);
      for (let i = 0; i < 3000; i++) {
        const id = 1 + next(150);
        const step = next(10);
        if (step < 4) {
          const done_at = cards.get(id)?.done_at ?? (next(4) === 0 ? later(i) : undefined);
          const changed = card(id, {
            updated_at: later(i),
            gate: ['open', 'passed'][next(2)] ?? '',
            ...(done_at === undefined ? {} : { done_at }),
          });
          cards.set(id, changed);
          event({ kind: 'ticket_changed', ticket: changed });
        } else if (step === 4) {
          cards.delete(id);
          event({ kind: 'ticket_removed', id });
        } else if (step < 7) {
          const status = ['pending', 'running', 'completed', 'failed', 'cancelled'][next(5)] ?? '';
          const changed = task(id, { status, progress_percent: i });
          tasks.set(id, changed);
          event({ kind: 'task_changed', task: changed });
        } else if (step === 7) {
          tasks.delete(id);
          event({ kind: 'task_removed', id });
        } else if (step === 8) {
          const changed = review(id, next(2) === 0 ? {} : { verdict: 'passed', decided_at: later(i) });
          reviews.set(id, changed);
          event({ kind: 'review_changed', review: changed });
        } else {
          const at = next(shown.length);
          shown[at] = { ...(shown[at] as BoardColumn), count: i };
          event({ kind: 'column_changed', column: shown[at] });
        }
        // The host's answer is older than the events that came while it was on its way.
        if (i % 500 === 450) show = store.reading();
        if (i % 500 === 470) rows = [...cards.values()];
        if (i % 500 === 499) {
          // One that was made since is in the next answer.
          const made = [...cards.values()].filter(({ id: other }) => !rows.some((row) => row.id === other));
          show([...rows, ...made]);
          expect(state(store)).toEqual(state(read(loaded(snapshot()).store)));
        }
      }
    }
  });

  test('keeps as many tasks as the host lists', () => {
    const { store, event } = loaded();
    for (let id = 1; id <= TASKS + 1; id++) event({ kind: 'task_changed', task: task(id) });
    expect([store.tasks.length, ids(store.tasks)[0]]).toEqual([TASKS, 2]);
  });

  test('shows the cards that were read, with what has changed since the reading began, and no others', () => {
    const { store, event } = loaded();
    event({ kind: 'ticket_changed', ticket: card(9) });
    const show = store.reading();
    event({ kind: 'ticket_changed', ticket: card(1, { title: 'newer' }) });
    event({ kind: 'ticket_removed', id: 2 });
    show([card(1), card(2), card(3)]);
    event({ kind: 'ticket_changed', ticket: card(3, { title: 'later' }) });
    event({ kind: 'ticket_changed', ticket: card(4) });
    expect(store.cards.value.map(({ id, title }) => [id, title])).toEqual([
      [1, 'newer'],
      [3, 'later'],
    ]);
    event({ kind: 'ticket_removed', id: 1 });
    expect([ids(store.cards.value), store.changes.value]).toEqual([[3], 6]);
  });

  test('removes the columns that a workflow has lost', () => {
    const { store, event } = loaded({ board: [...columns(), column('other', ['PHASE_X'], { workflow: 'else' })] });
    const changed = workflow();
    event({
      kind: 'workflow_changed',
      workflow: { ...changed, spec: { ...changed.spec, board_columns: changed.spec.board_columns.slice(1) } },
    });
    expect(store.columns.value.map(({ id }) => id)).toEqual(['building', 'testing', 'done', 'other']);
    event({ kind: 'workflow_removed', name: 'ship' });
    expect(store.columns.value.map(({ id }) => id)).toEqual(['other']);
  });

  test('lists a review only while it waits for the operator', () => {
    const { store, event } = loaded({ reviews: [review(1)] });
    event({ kind: 'review_changed', review: review(2, { review_task: 7 }) });
    event({ kind: 'review_changed', review: review(1, { stale: true }) });
    event({ kind: 'review_changed', review: review(3) });
    expect(ids(store.reviews)).toEqual([3]);
  });

  test('tells of the events of one ticket alone to who looks at it', () => {
    const { store, event } = loaded();
    const heard: string[] = [];
    const nothing = () => {};
    const found = {
      source_task: 1,
      type: 'bug',
      description: 'It fails.',
      priority_boost: false,
      status: 'open',
      by: 'alice',
      at: '2026-01-01T00:00:00Z',
    };
    const forget = store.follow({
      ticket: 7,
      card: ({ id }) => heard.push(`card ${id}`),
      task: ({ id }) => heard.push(`task ${id}`),
      discovery: ({ id }) => heard.push(`discovery ${id}`),
      gate: nothing,
      artifact: nothing,
      review: nothing,
      thread: nothing,
      taskRemoved: (id) => heard.push(`no task ${id}`),
      removed: () => heard.push('gone'),
    });
    event({ kind: 'ticket_changed', ticket: card(7) });
    event({ kind: 'ticket_changed', ticket: card(8) });
    event({ kind: 'task_changed', task: task(1, { ticket: 7 }) });
    event({ kind: 'task_changed', task: task(2, { ticket: 8 }) });
    for (const ticket of [7, 8]) event({ kind: 'discovery_changed', discovery: { ...found, id: ticket, ticket } });
    event({ kind: 'ticket_removed', id: 7 });
    forget();
    event({ kind: 'ticket_changed', ticket: card(7) });
    expect(heard).toEqual(['card 7', 'task 1', 'discovery 7', 'gone']);
  });

  test('of a Hive without tickets is empty', () => {
    const { store } = loaded();
    expect([store.cards.value, store.columns.value, store.tasks]).toEqual([[], [], []]);
  });
});
