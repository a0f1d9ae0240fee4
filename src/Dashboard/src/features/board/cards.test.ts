import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Refusal } from '../../api/refusal';
import type { TicketCard } from '../../api/types';
import { card } from '../../test/board-rows';

interface Query {
  workflow: string;
  column?: string;
  text?: string;
  state?: string;
  limit: number;
}

/** The host's tickets, and what it was asked. */
let tickets: TicketCard[] = [];
let refusal: Refusal | null = null;
const asked: Query[] = [];
vi.mock('../../api/client', async (original) => ({
  ...(await original<object>()),
  api: {
    GET: async (_: string, { params: { query } }: { params: { query: Query } }) => {
      asked.push(query);
      if (refusal !== null) throw refusal;
      const matching = tickets.filter(({ title }) => title.includes(query.text ?? ''));
      const backlog = { id: 'backlog', count: matching.length, cards: matching.slice(0, query.limit) };
      const columns = query.column === undefined ? [backlog, { id: 'done', count: 0, cards: [] }] : [backlog];
      return { data: { workflow: 'ship', count: tickets.length, states: { running: 3 }, columns } };
    },
  },
}));

const { fault, found, isWhole, readAgain, showMore, watch } = await import('./cards');
const { board } = await import('./store');

/** Another one in each test: a board remembers how much of it was shown. */
let workflow = '';
let leave = () => {};
const look = (words = '') => {
  leave();
  leave = watch(workflow, { words, state: null });
};
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const shown = () => board.cards.value.map(({ id }) => id);

beforeEach(() => {
  vi.useFakeTimers();
  workflow += 'w';
  [found.value, refusal, asked.length] = [null, null, 0];
  tickets = Array.from({ length: 300 }, (_, i) => card(i + 1));
});

afterEach(() => {
  leave();
  vi.useRealTimers();
});

test('the first cards of each column are read, and more of one on request', async () => {
  look();
  await pass(0);
  expect([shown().length, found.value?.count, found.value?.more.get('backlog')]).toEqual([50, 300, 250]);
  expect([isWhole.value, found.value?.states]).toEqual([false, { running: 3 }]);
  showMore('backlog');
  await pass(0);
  expect(asked.map(({ column, limit }) => [column, limit])).toEqual([
    [undefined, 50],
    [undefined, 50],
    ['backlog', 200],
  ]);
  expect([shown().length, found.value?.more.get('backlog')]).toEqual([200, 100]);
  showMore('backlog');
  await pass(0);
  expect([shown().length, found.value?.more.get('backlog'), isWhole.value]).toEqual([300, 0, true]);
});

test('a filter is asked of the host, which knows tickets that are not shown', async () => {
  look();
  await pass(0);
  for (const words of ['ticket 2', 'ticket 29', 'ticket 299']) look(words);
  await pass(100);
  expect(asked.map(({ text }) => text)).toEqual([undefined, 'ticket 299']);
  expect([shown(), found.value?.matching, found.value?.count]).toEqual([[299], 1, 300]);
});

test('changes are read together, and a busy board is read once a second', async () => {
  look();
  await pass(1_100);
  asked.length = 0;
  for (let i = 1; i <= 20; i++) board.put(card(i));
  await pass(100);
  expect(asked).toHaveLength(1);
  for (let i = 0; i < 18; i++) {
    board.put(card(1));
    await pass(50);
  }
  expect(asked).toHaveLength(1);
  await pass(200);
  expect(asked).toHaveLength(2);
  await pass(10_000);
  expect(asked).toHaveLength(2);
});

test('what cannot be read is said, and read again on request', async () => {
  refusal = new Refusal('the host is stopping', 503, 'unavailable');
  look();
  await pass(0);
  expect([fault.value, found.value]).toEqual(['the host is stopping', null]);
  refusal = null;
  readAgain();
  await pass(0);
  expect([fault.value, shown().length]).toEqual([null, 50]);
});
