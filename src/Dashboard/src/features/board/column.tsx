import type { TargetedMouseEvent, TargetedPointerEvent } from 'preact';
import { useCallback, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import type { TicketCard } from '../../api/types';
import { useVirtual } from '../../ui/rows';
import { counted } from '../../ui/text/figures';
import { Card, RefusedMove, spoken } from './card';
import { MOST, showMore } from './cards';
import { countText, fullness, hasOrder, isOverlay, type Lane, needsYou } from './columns';
import { dragged } from './drag';
import { moving, refusalOf } from './moves';

/** Elements of their own, as in other lists: cards take the focus, which is not what a plain block is for. */
const List = 'list-box' as string as 'div';
const Item = 'list-row' as string as 'div';

/** The expected height of a card with its space. */
const HEIGHT = 104;
const estimate = (): number => HEIGHT;

export interface Hand {
  selected: number | null;
  select: (card: TicketCard) => void;
  open: (card: TicketCard) => void;
  menu: (card: TicketCard, at: HTMLElement) => void;
  press: (e: PointerEvent, at: HTMLElement, card: TicketCard) => void;
}

interface Props {
  lane: Lane;
  hand: Hand;
  /** The host has told its cards. */
  read: boolean;
  /** A filter hides others. */
  filtered: boolean;
  /** The only column that is shown, as the panel of its tab. */
  tab?: string;
}

/** The words in a column without cards. */
function emptyText({ column }: Lane, read: boolean, filtered: boolean): string {
  if (!read) return '…';
  if (filtered && column.count + column.waiting > 0) return 'None that matches the filter.';
  if (isOverlay(column)) return 'Nothing is blocked.';
  if (column.count > 0 && !column.terminal) return 'Its tickets are blocked, or wait for the next column.';
  if (column.terminal) return 'Nothing is done yet.';
  return 'No tickets.';
}

/** The head of a column: its name and its exact counts. */
function Head({ lane: { column } }: { lane: Lane }) {
  const full = fullness(column);
  return (
    <header class="column-head">
      <h2 id={`column-${column.id}`} class="column-name">
        <span class={`column-mark ${column.color_theme ?? ''}`} aria-hidden="true" />
        <bdi>{column.name}</bdi>
      </h2>
      <span
        class={`column-count n ${full === 'room' ? '' : full}`}
        title={full === 'room' ? undefined : full === 'full' ? 'It is full' : 'It is over its limit'}
      >
        {countText(column)}
        {full === 'room' ? null : <span class="hidden">, {full === 'full' ? 'full' : 'over its limit'}</span>}
      </span>
    </header>
  );
}

/** A column with its cards, of which only those in view are in the document. */
export function Column({ lane, hand, read, filtered, tab }: Props) {
  const { column, waiting } = lane;
  const root = useRef<HTMLElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const cards = useMemo(() => [...lane.waiting, ...lane.cards], [lane]);
  const ids = cards.map(({ id }) => id).join(' ');
  const keyAt = useCallback((i: number) => String(cards[i]?.id ?? i), [ids]);
  const at = cards.findIndex(({ id }) => id === hand.selected);
  const virtual = useVirtual(list, cards.length, estimate, keyAt, 0, null, at);
  // The selected card is in view, wherever it goes with the keyboard on it.
  const followed = useRef<number | null>(null);
  useLayoutEffect(() => {
    const isNew = followed.current !== hand.selected;
    followed.current = at < 0 ? null : hand.selected;
    if (at < 0 || (!isNew && root.current?.contains(document.activeElement) !== true)) return;
    virtual.scrollToIndex(at, { align: 'auto' });
    root.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [hand.selected, at]);
  const target = dragged.value?.target?.column === column.id ? dragged.value.target : null;
  const ordered = hasOrder(lane);
  const isEmpty = cards.length === 0;
  return (
    <section
      ref={root}
      id={`column-panel-${column.id}`}
      class={`column ${isEmpty ? 'bare' : ''} ${target === null ? '' : 'target'}`}
      data-column={column.id}
      {...(tab === undefined
        ? { 'aria-labelledby': `column-${column.id}` }
        : { role: 'tabpanel' as const, 'aria-labelledby': tab })}
    >
      <Head lane={lane} />
      <List
        ref={list}
        id={`cards-${column.id}`}
        class="list column-list"
        role={isEmpty ? 'group' : 'list'}
        aria-label={`Tickets of ${column.name}`}
        tabIndex={at >= 0 || isEmpty ? -1 : 0}
      >
        {isEmpty ? (
          <p class="column-empty">{emptyText(lane, read, filtered)}</p>
        ) : (
          <div class="list-all" role="presentation" style={{ height: `${virtual.getTotalSize()}px` }}>
            {virtual.getVirtualItems().map((item) => {
              const card = cards[item.index];
              if (card === undefined) return null;
              return (
                <Item
                  key={card.id}
                  ref={virtual.measureElement}
                  data-index={item.index}
                  class="card-row"
                  role="listitem"
                  aria-setsize={cards.length}
                  aria-posinset={item.index + 1}
                  style={{ transform: `translateY(${item.start}px)` }}
                >
                  {item.index === 0 && waiting.length > 0 ? (
                    <p class="queue-head">{counted(waiting.length, 'ticket')} in front</p>
                  ) : null}
                  <Cell
                    card={card}
                    hand={hand}
                    waits={item.index < waiting.length}
                    manual={column.pull === 'manual'}
                    marked={ordered && target?.before === card.id}
                  />
                  {item.index === waiting.length - 1 ? <p class="queue-end" aria-hidden="true" /> : null}
                </Item>
              );
            })}
          </div>
        )}
      </List>
      {lane.more === 0 ? null : cards.length < MOST ? (
        <button type="button" class="plain column-more" onClick={() => showMore(column.id)}>
          ↓ {lane.more} more
          <span class="hidden">
            {' of '}
            <bdi>{column.name}</bdi>
          </span>
        </button>
      ) : (
        <p class="column-more">{lane.more} more; filter to find one</p>
      )}
    </section>
  );
}

interface CellProps {
  card: TicketCard;
  hand: Hand;
  waits: boolean;
  manual: boolean;
  marked: boolean;
}

function Cell({ card, hand, waits, manual, marked }: CellProps) {
  const { id } = card;
  const isMoving = moving.value.has(id);
  const state = [
    'board-card',
    ...(waits ? ['waits'] : []),
    ...(isMoving ? ['moving'] : []),
    ...(dragged.value?.id === id ? ['lifted'] : []),
    ...(marked ? ['marked'] : []),
    ...(refusalOf(card) === null ? [] : ['refused-move']),
    ...(card.priority === 'CRITICAL' ? ['critical'] : []),
    ...(needsYou(card) === null ? [] : ['needs-you']),
  ].join(' ');
  const onClick = (e: TargetedMouseEvent<HTMLElement>) => {
    if ((e.target as HTMLElement).closest('button, a') !== null) return;
    hand.select(card);
    if (getSelection()?.isCollapsed !== false) hand.open(card);
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the board has the keys of its selected card
    <article
      class={state}
      data-card={id}
      {...(waits ? { 'data-waits': '' } : {})}
      aria-label={spoken(card)}
      aria-busy={isMoving}
      aria-current={hand.selected === id ? 'true' : undefined}
      tabIndex={hand.selected === id ? 0 : -1}
      onFocus={() => {
        if (hand.selected !== id) hand.select(card);
      }}
      onClick={onClick}
      onContextMenu={(e: TargetedMouseEvent<HTMLElement>) => {
        if (e.shiftKey) return;
        e.preventDefault();
        hand.select(card);
        hand.menu(card, e.currentTarget);
      }}
      onPointerDown={(e: TargetedPointerEvent<HTMLElement>) => hand.press(e, e.currentTarget, card)}
    >
      <Card card={card} manual={waits && manual} />
      <button
        type="button"
        class="plain card-menu"
        aria-haspopup="menu"
        aria-label={`What can be done with ticket ${id}`}
        tabIndex={-1}
        onClick={(e) => {
          hand.select(card);
          hand.menu(card, e.currentTarget);
        }}
      >
        <span aria-hidden="true">⋯</span>
      </button>
      <RefusedMove card={card} stop={false} />
    </article>
  );
}
