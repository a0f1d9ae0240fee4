import { batch, computed, effect, signal, untracked } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { answerOf, api } from '../../api/client';
import { words } from '../../api/refusal';
import type { TicketCard } from '../../api/types';
import type { Filter, State } from './columns';
import { board } from './store';

/** How many cards of each column are read at first, and how many times as many then. */
const [FIRST, TIMES] = [50, 4] as const;
/** The most that the host lists of a column. */
export const MOST = 10_000;
/** Changes within this time are read together; so are the letters of a filter. */
const TOGETHER_MS = 100;
/** Between two readings: at least this time, and ten times as long as the last one took. */
const [REST_MS, RESTS] = [1_000, 10] as const;

/** The counts of the host's answer about the cards of a board. */
export interface Found {
  workflow: string;
  /** The workflow and the filter that were asked for. */
  of: string;
  /** The tickets on the board, and those that match. */
  count: number;
  matching: number;
  states: Readonly<Record<string, number>>;
  /** How many more cards each column has. */
  more: ReadonlyMap<string, number>;
}

/** The counts of the last answer. Its board and filter may differ from those that are chosen now; see `of`. */
export const found = signal<Found | null>(null);
export const fault = signal<string | null>(null);
/** The columns of which more than the first cards were asked for, with how many. */
const limits = signal<{ of: string; all: ReadonlyMap<string, number> }>({ of: '', all: new Map() });
/** Counts the requests to read again. */
const retries = signal(0);

/** Whether the board shows all of its tickets: none is filtered out, and none is further down. */
export const isWhole = computed(() => {
  const read = found.value;
  return read === null || (read.matching === read.count && read.matching === board.cards.value.length);
});

/** A board with a filter, as one text. */
export const nameOf = (workflow: string | null, { words: text, state }: Filter): string =>
  JSON.stringify([workflow, text, state]);

/** A state as the host's word for it. */
export const wordOf = (state: State): string => state.replace(' ', '_');

/** Reads more cards of a column. */
export function showMore(column: string): void {
  const of = found.value?.of ?? '';
  const all = new Map(limits.peek().of === of ? limits.peek().all : []);
  limits.value = { of, all: all.set(column, Math.min(MOST, (all.get(column) ?? FIRST) * TIMES)) };
}

export const readAgain = (): void => void retries.value++;

/** Reads the first cards of each column that match, and again after changes, while the board is shown. */
export function useCards(workflow: string | null, filter: Filter): void {
  useEffect(() => (workflow === null ? undefined : watch(workflow, filter)), [nameOf(workflow, filter)]);
}

/** Reads cards until the returned function is called. */
export function watch(workflow: string, filter: Filter): () => void {
  const of = nameOf(workflow, filter);
  const read = async (all: ReadonlyMap<string, number>, stopped: AbortSignal) => {
    const show = board.reading();
    try {
      const { cards, ...rest } = await readCards(workflow, filter, all, stopped);
      stopped.throwIfAborted();
      batch(() => {
        show(cards);
        found.value = { of, ...rest };
        fault.value = null;
      });
    } catch (e) {
      show(null);
      if (!stopped.aborted) fault.value = words(e);
    }
  };
  let wait = found.peek() === null || found.peek()?.of === of ? 0 : TOGETHER_MS;
  let stop = () => {};
  const forget = effect(() => {
    const { all, of: grown } = limits.value;
    void retries.value;
    stop();
    const first = wait;
    stop = untracked(() => whileChanging(first, (stopped) => read(grown === of ? all : new Map(), stopped)));
    wait = 0;
  });
  return () => {
    forget();
    stop();
  };
}

async function readCards(
  workflow: string,
  { words: text, state }: Filter,
  more: ReadonlyMap<string, number>,
  signal: AbortSignal,
): Promise<Omit<Found, 'of'> & { cards: readonly TicketCard[] }> {
  const query = {
    workflow,
    ...(text.trim() === '' ? {} : { text }),
    ...(state === null ? {} : { state: wordOf(state) }),
  };
  const ask = (rest: object) =>
    answerOf(api.GET('/api/v1/board/cards', { params: { query: { ...query, ...rest } }, signal }));
  const [all, ...others] = await Promise.all([
    ask({ limit: FIRST }),
    ...[...more].map(([column, limit]) => ask({ column, limit })),
  ]);
  const grown = others.flatMap(({ columns }) => columns);
  const columns = all.columns.map((column) => grown.find(({ id }) => id === column.id) ?? column);
  return {
    workflow,
    // A ticket that moves in the meantime may be read twice.
    cards: columns.flatMap(({ cards }) => cards),
    count: all.count,
    matching: columns.reduce((sum, { count }) => sum + count, 0),
    states: all.states,
    more: new Map(columns.map(({ id, count, cards }) => [id, count - cards.length])),
  };
}

/** Reads after some time and again after changes, until the returned function is called. */
function whileChanging(first: number, read: (stopped: AbortSignal) => Promise<void>): () => void {
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | null = null;
  let [wait, isReading, isChanged] = [first, false, false];
  const run = async () => {
    timer = null;
    if (!isChanged) return;
    [isReading, isChanged] = [true, false];
    const began = Date.now();
    await read(stop.signal);
    isReading = false;
    if (!stop.signal.aborted) timer = setTimeout(run, Math.max(REST_MS, RESTS * (Date.now() - began)));
  };
  const forget = effect(() => {
    void [board.changes.value, board.reads.value];
    isChanged = true;
    if (timer === null && !isReading) timer = setTimeout(run, wait);
    wait = TOGETHER_MS;
  });
  return () => {
    stop.abort();
    forget();
    if (timer !== null) clearTimeout(timer);
  };
}
