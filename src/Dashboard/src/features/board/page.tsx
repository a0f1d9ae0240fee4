import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { TicketCard, WorkflowView } from '../../api/types';
import { perform } from '../../ui/action';
import { query } from '../../ui/address';
import { copyAddress } from '../../ui/copy';
import { ReadFault } from '../../ui/fault';
import { focusDrawn } from '../../ui/focus';
import { type KeyName, useKey } from '../../ui/keys';
import { go, keepSelected, selectedThen, setQuery } from '../../ui/link';
import { Main } from '../../ui/main';
import { openMenu } from '../../ui/menu';
import { isNarrow } from '../../ui/narrow';
import { useSelection } from '../../ui/selected';
import { counted } from '../../ui/text/figures';
import { tell } from '../../ui/told';
import { approveTicket } from './actions';
import { fault, found, nameOf, readAgain, useCards } from './cards';
import { Column, type Hand } from './column';
import {
  beforeOf,
  cardsOf,
  columnsOf,
  countText,
  filterIn,
  hasOrder,
  isNew,
  type Lane,
  lanesOf,
  type Step,
  stepTo,
} from './columns';
import {
  actionsOf,
  answerOrComment,
  blockOrUnblock,
  holdOrRelease,
  moveAbove,
  moveBeside,
  moveTo,
  openMoves,
  rank,
  reject,
} from './deeds';
import { press, type Target } from './drag';
import { made } from './make';
import { moving, refuse } from './moves';
import { board } from './store';
import { BOARD, Filters, NewTicket, NoTickets, Workflows } from './tools';

const cardAt = (id: number | null): HTMLElement | null =>
  id === null ? null : document.querySelector<HTMLElement>(`[data-card="${id}"]`);

/** Focuses a card, which may not be drawn before its column has scrolled to it. */
const focusCard = (id: number): void => focusDrawn(() => cardAt(id), { preventScroll: true });

/** The workflow of the address, else the default one. */
function chosenOf(all: readonly WorkflowView[], names: readonly string[]): string | null {
  const asked = query.value.get('workflow');
  return names.find((name) => name === asked) ?? all.find(({ is_default }) => is_default)?.name ?? names[0] ?? null;
}

/** The board of a workflow: its tickets in columns, which are moved by hand or by keys. */
export function BoardPage() {
  const all = board.workflows.value;
  const names = useMemo(
    () => [...new Set([...all.map(({ name }) => name), ...board.columns.value.map(({ workflow }) => workflow)])],
    [all, board.columns.value],
  );
  const name = chosenOf(all, names);
  const asked = query.value;
  // The same one while another part of the address changes: each new filter is told.
  const filter = useMemo(() => filterIn(asked), [asked.get('q'), asked.get('state')]);
  const workflow = all.find((one) => one.name === name);
  const columns = useMemo(
    () => (name === null ? [] : columnsOf(name, workflow, board.columns.value)),
    [name, workflow, board.columns.value],
  );
  useCards(name, filter);
  // While another filter is read, what was found before stays.
  const read = found.value?.workflow === name ? found.value : null;
  const lanes = useMemo(
    () =>
      lanesOf(
        columns,
        board.cards.value.filter((card) => card.workflow === name),
        moving.value,
        read?.more,
      ),
    [columns, board.cards.value, name, moving.value, read],
  );
  const isFiltered = filter.words.trim() !== '' || filter.state !== null;
  const isFound = read?.of === nameOf(name, filter);
  const told = useRef(filter);
  useEffect(() => {
    if (!isFound || told.current === filter) return;
    told.current = filter;
    tell(`${read.matching} of ${read.count} tickets`);
  }, [isFound, filter]);
  const isEmpty = read?.count === 0;
  // While the cards are read, the counts of the columns are known: what is typed for the filter has its box.
  const hasFilter = isFiltered || (read === null ? columns.some(({ count }) => count > 0) : !isEmpty);
  return (
    <Main
      feature="board"
      title="B04RD"
      fills
      parts={{ [BOARD]: 'the columns' }}
      aside={
        <>
          {names.length < 2 ? null : <Workflows names={names} all={all} name={name} />}
          {hasFilter ? <Filters filter={filter} found={read} /> : null}
          {name === null ? null : <NewTicket />}
        </>
      }
    >
      <ReadFault
        error={fault.value === null ? null : `The tickets could not be read: ${fault.value}`}
        plain="Read the tickets again"
        onRetry={readAgain}
      />
      {name === null || isEmpty ? <NoTickets name={name} /> : null}
      {isFound && !isEmpty && read.matching === 0 ? (
        <p class="empty board-empty">
          None of {read.count} tickets matches this filter.{' '}
          <button type="button" class="ref" onClick={() => setQuery({ q: null, state: null }, true)}>
            Show all
          </button>
        </p>
      ) : null}
      <Lanes lanes={lanes} count={read?.count ?? null} filtered={isFiltered} />
    </Main>
  );
}

/** The keys that lead from card to card. */
const STEPS: readonly Step[] = ['next', 'previous', 'first', 'last', 'left', 'right'];

interface LanesProps {
  lanes: readonly Lane[];
  /** How many tickets the board has; null until they are read. */
  count: number | null;
  filtered: boolean;
}

function Lanes({ lanes, count, filtered }: LanesProps) {
  const root = useRef<HTMLDivElement>(null);
  const narrow = isNarrow.value;
  const [selected, setSelected] = useState<number | null>(() => Number(selectedThen(BOARD)) || null);
  const asked = query.value.get('column');
  /** The tab stays while cards leave its column. */
  const before = useRef<string | null>(null);
  const tab =
    lanes.find(({ column }) => column.id === asked) ??
    lanes.find(({ column }) => column.id === before.current) ??
    lanes.find((lane) => cardsOf(lane).length > 0) ??
    lanes[0];
  before.current = count === 0 || count === null ? null : (tab?.column.id ?? null);
  const drawn = narrow ? lanes.filter((lane) => lane === tab) : lanes;
  // Keys do nothing with a card in a column that is not shown.
  const current = drawn.flatMap(cardsOf).find(({ id }) => id === selected);
  const select = (id: number, focus: boolean) => {
    setSelected(id);
    keepSelected(BOARD, String(id));
    if (narrow) {
      const lane = lanes.find((one) => cardsOf(one).some((card) => card.id === id));
      if (lane !== undefined && lane !== tab) setQuery({ column: lane.column.id });
    }
    if (focus) focusCard(id);
  };

  // A step back leads to the card that was opened from here, with the keyboard on it.
  const [then] = useState(selected);
  const isBack = useRef(then === null);
  useEffect(() => {
    if (isBack.current || current === undefined) return;
    isBack.current = true;
    if (current.id === then) focusCard(current.id);
  });
  const fresh = made.value;
  useEffect(() => {
    if (fresh === null || !lanes.some((lane) => cardsOf(lane).some(({ id }) => id === fresh))) return;
    made.value = null;
    select(fresh, true);
  });

  // The keyboard stays on its card when the card moves to another column, and is on the next one when it goes.
  const hadFocus = useRef(false);
  const last = useRef<{ column: string; row: number } | null>(null);
  useLayoutEffect(() => {
    const lane = lanes.findIndex((one) => cardsOf(one).some(({ id }) => id === selected));
    const rows = lanes[lane] === undefined ? [] : cardsOf(lanes[lane]);
    const isLost = hadFocus.current && (document.activeElement === null || document.activeElement === document.body);
    if (rows.length > 0) {
      last.current = { column: lanes[lane]?.column.id ?? '', row: rows.findIndex(({ id }) => id === selected) };
      if (isLost && selected !== null) (cardAt(selected) ?? root.current)?.focus({ preventScroll: true });
      return;
    }
    if (selected === null || last.current === null) return;
    const { column, row } = last.current;
    const others = lanes.find((one) => one.column.id === column);
    const next = others === undefined ? undefined : (cardsOf(others)[row] ?? cardsOf(others).at(-1));
    const id = next?.id ?? stepTo(lanes, null, 'next');
    if (id === null) setSelected(null);
    else select(id, isLost);
  });

  const open = (card: TicketCard) => go(`/tickets/${card.id}`);
  const menu = (card: TicketCard, at: HTMLElement) =>
    openMenu(
      `What can be done with ticket ${card.id}`,
      actionsOf(card, () => cardAt(card.id)),
      at,
    );
  const place = (lane: Lane, card: TicketCard, before: number | 'end') => {
    // The column's end is further down than what is shown.
    if (before === 'end' && lane.more > 0) refuse(card, `${lane.more} more tickets follow; show them first.`);
    else void rank(card, before);
  };
  const drop = (dropped: number, { column: id, before }: Target) => {
    const lane = lanes.find(({ column }) => column.id === id);
    const card = lanes.flatMap(cardsOf).find((one) => one.id === dropped);
    if (lane === undefined || card === undefined) return;
    const own = lane.cards.includes(card);
    if (!own)
      void (before === null || !hasOrder(lane) ? moveTo(card, lane.column) : moveAbove(card, lane.column, before));
    else if (hasOrder(lane)) {
      const at = lane.cards.findIndex((other) => other.id === card.id);
      const next = lane.cards[at + 1]?.id ?? null;
      // It was let go where it was.
      if (before !== next) place(lane, card, before ?? 'end');
    }
  };
  // The board may have changed since the card was taken up.
  const dropNow = useRef(drop);
  dropNow.current = drop;
  const hand: Hand = {
    selected,
    select: (card) => select(card.id, false),
    open,
    menu,
    press: (e, at, card) => {
      if (card.done_at == null) press(e, at, card.id, (target) => dropNow.current(card.id, target));
    },
  };

  const move = (step: Step) => () => {
    const id = stepTo(
      narrow && (step === 'next' || step === 'previous' || current === undefined) ? drawn : lanes,
      selected,
      step,
    );
    if (id === null) return false;
    select(id, true);
    return true;
  };
  for (const step of STEPS) useKey(step, move(step), lanes.length > 0);
  const on = (act: (card: TicketCard) => unknown) => () => (current === undefined ? false : act(current));
  const onCard = (key: KeyName, act: (card: TicketCard) => unknown) => useKey(key, on(act), current !== undefined);
  const shift = (by: 1 | -1) => (card: TicketCard) => {
    const lane = lanes.find(({ cards }) => cards.some(({ id }) => id === card.id));
    if (lane === undefined || !hasOrder(lane)) return false;
    const before = beforeOf(lane.cards, card.id, by);
    if (before !== null) place(lane, card, before);
    return true;
  };
  const isOpen = (card: TicketCard) => card.done_at == null && !isNew(card);
  onCard('open', open);
  onCard('actions', (card) => menu(card, cardAt(card.id) ?? document.body));
  onCard('move', (card) => isOpen(card) && void openMoves(card, cardAt(card.id) ?? document.body));
  onCard('move-left', (card) => isOpen(card) && void moveBeside(card, -1));
  onCard('move-right', (card) => isOpen(card) && void moveBeside(card, 1));
  onCard('move-up', shift(-1));
  onCard('move-down', shift(1));
  onCard('hold', (card) => isOpen(card) && void perform(holdOrRelease(card)));
  onCard('block', (card) => isOpen(card) && void perform(blockOrUnblock(card)));
  onCard('reply', (card) => void perform(answerOrComment(card)));
  onCard('approve', (card) => isNew(card) && void perform(approveTicket(card)));
  onCard('deny', (card) => isNew(card) && void perform(reject(card)));
  onCard('copy', (card) => void copyAddress(`/tickets/${card.id}`));
  useSelection(() =>
    current === undefined
      ? null
      : { name: `ticket ${current.id}`, actions: actionsOf(current, () => cardAt(current.id)) },
  );

  if (lanes.length === 0) return null;
  return (
    <div
      ref={root}
      id={BOARD}
      class="board"
      role="group"
      aria-label={count === null ? 'Board' : `Board, ${counted(count, 'ticket')}`}
      tabIndex={-1}
      onFocusIn={(e) => {
        hadFocus.current = true;
        if (e.target !== e.currentTarget) return;
        const isHere = drawn.flatMap(cardsOf).some((card) => card.id === selected);
        const id = isHere ? selected : stepTo(drawn, null, 'next');
        if (id !== null) select(id, true);
      }}
      onFocusOut={(e) => {
        // The focus of a card that is drawn in another column goes nowhere; the board keeps it.
        if (e.relatedTarget !== null) hadFocus.current = e.currentTarget.contains(e.relatedTarget as Node);
      }}
    >
      {narrow ? <Tabs lanes={lanes} tab={tab} /> : null}
      <div class="board-columns">
        {drawn.map((lane) => (
          <Column
            key={lane.column.id}
            lane={lane}
            hand={hand}
            read={count !== null}
            filtered={filtered}
            {...(narrow ? { tab: `column-tab-${lane.column.id}` } : {})}
          />
        ))}
      </div>
    </div>
  );
}

/** On a phone: the columns as tabs, with their counts. */
function Tabs({ lanes, tab }: { lanes: readonly Lane[]; tab: Lane | undefined }) {
  const open = (lane: Lane | undefined) => {
    if (lane === undefined) return;
    setQuery({ column: lane.column.id });
    focusDrawn(() => document.getElementById(`column-tab-${lane.column.id}`), { preventScroll: true });
  };
  const beside = (by: number) => {
    const at = tab === undefined ? 0 : lanes.indexOf(tab);
    open(lanes[(at + by + lanes.length) % lanes.length]);
  };
  useKey('tab', () => beside(1));
  const shown = tab?.column.id;
  useLayoutEffect(() => {
    document.getElementById(`column-tab-${shown}`)?.scrollIntoView({ inline: 'nearest', block: 'nearest' });
  }, [shown]);
  return (
    <div
      class="column-tabs"
      role="tablist"
      aria-label="Columns"
      tabIndex={-1}
      onKeyDown={(e) => {
        const by = e.key === 'ArrowRight' ? 1 : e.key === 'ArrowLeft' ? -1 : 0;
        if (by === 0) return;
        e.preventDefault();
        beside(by);
      }}
    >
      {lanes.map((lane) => {
        const { column } = lane;
        return (
          <button
            key={column.id}
            id={`column-tab-${column.id}`}
            type="button"
            role="tab"
            class="column-tab"
            aria-selected={lane === tab}
            {...(lane === tab ? { 'aria-controls': `column-panel-${column.id}` } : {})}
            tabIndex={lane === tab ? 0 : -1}
            onClick={() => open(lane)}
          >
            <bdi>{column.name}</bdi>{' '}
            <span class="n dim">
              {column.wip_limit == null ? column.count : `${column.count}/${column.wip_limit}`}
              {column.wip_limit == null ? null : <span class="hidden"> {countText(column)}</span>}
            </span>
          </button>
        );
      })}
    </div>
  );
}
