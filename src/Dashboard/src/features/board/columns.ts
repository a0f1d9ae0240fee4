import type { BoardColumn, Phase, TicketCard, WorkflowView } from '../../api/types';
import { waiting } from '../waiting';

/** The overlay of blocked tickets: they are shown there, and keep their phase. */
export const BLOCKED = 'PHASE_BLOCKED';

export const isOverlay = ({ phase_mapping }: Pick<BoardColumn, 'phase_mapping'>): boolean =>
  phase_mapping.includes(BLOCKED);

/** A column with the cards that are shown in it. */
export interface Lane {
  column: BoardColumn;
  /** Tickets whose gate has passed, in front of the column while it is full. */
  waiting: readonly TicketCard[];
  cards: readonly TicketCard[];
  /** How many more the host has of them. */
  more: number;
}

/** Whether the cards of a column are in an order that can be changed. */
export const hasOrder = ({ column }: Pick<Lane, 'column'>): boolean => !column.terminal && !isOverlay(column);

/** The filter of the board; the address has it. */
export interface Filter {
  words: string;
  state: State | null;
}

export const STATES = ['running', 'blocked', 'waiting', 'failed', 'to approve'] as const;
export type State = (typeof STATES)[number];

export const filterIn = (query: URLSearchParams): Filter => ({
  words: query.get('q') ?? '',
  state: STATES.find((state) => state === query.get('state')) ?? null,
});

/** From the highest to the lowest. */
export const PRIORITIES: readonly string[] = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'];

/** The latest end first. */
const byEnd = (a: TicketCard, b: TicketCard): number => (b.done_at ?? '').localeCompare(a.done_at ?? '') || b.id - a.id;
const byRank = (a: TicketCard, b: TicketCard): number => a.rank - b.rank || a.id - b.id;
/** The order in which a full column lets them in: the highest priority, then the longest wait. */
const byTurn = (a: TicketCard, b: TicketCard): number =>
  PRIORITIES.indexOf(a.priority) - PRIORITIES.indexOf(b.priority) ||
  (a.waiting_since ?? '').localeCompare(b.waiting_since ?? '') ||
  a.id - b.id;

/** The columns of a workflow in its order, the overlay of blocked tickets among them or at the end. */
export function columnsOf(
  workflow: string,
  spec: WorkflowView | undefined,
  all: readonly BoardColumn[],
): BoardColumn[] {
  const order = spec?.spec.board_columns.map(({ id }) => id) ?? [];
  const at = ({ id }: BoardColumn): number => (order.includes(id) ? order.indexOf(id) : order.length);
  const own = all.filter((column) => column.workflow === workflow).toSorted((a, b) => at(a) - at(b));
  const blocked = own.reduce((sum, column) => sum + (isOverlay(column) ? 0 : column.blocked), 0);
  const overlay: BoardColumn = {
    ...{ workflow, id: 'blocked', name: 'Blocked', phase_mapping: [BLOCKED], waiting: 0, pull: 'manual' },
    ...own.find(isOverlay),
    ...{ terminal: false, count: blocked, blocked },
  };
  if (own.length === 0) return [];
  return own.some(isOverlay) ? own.map((column) => (isOverlay(column) ? overlay : column)) : [...own, overlay];
}

/** Where a card is shown: a column, and whether it waits in front of it. */
export interface Spot {
  column: BoardColumn;
  waits: boolean;
}

/** The column that holds a ticket's phase. */
export const homeOf = (card: Pick<TicketCard, 'phase_id'>, columns: readonly BoardColumn[]): BoardColumn | undefined =>
  columns.find(({ phase_mapping }) => phase_mapping.includes(card.phase_id)) ?? columns[0];

/** The host does not count it in a column yet. */
export const isNew = ({ status, done_at }: Pick<TicketCard, 'status' | 'done_at'>): boolean =>
  status === 'pending_review' && done_at == null;

/**
 * The key of what the operator has to decide before a ticket goes on. Null where another mark of the card says why it
 * stands still, and once it is decided, although the changed card arrives a moment later.
 */
export const needsYou = (card: TicketCard): string | null =>
  card.needs_you != null && card.blocked == null && !isNew(card) && card.done_at == null
    ? (waiting.get(card.needs_you)?.key ?? null)
    : null;

/** The address of a thing in the list of what waits. */
export const waitingAddress = (key: string): string => `/waiting/${encodeURIComponent(key)}`;

export function spotOf(card: TicketCard, columns: readonly BoardColumn[]): Spot | null {
  const home = homeOf(card, columns);
  if (isNew(card)) return home === undefined ? null : { column: home, waits: true };
  // One that was rejected has ended where it never was.
  if (card.done_at != null) return home?.terminal === true ? { column: home, waits: false } : null;
  if (card.blocked != null) {
    const column = columns.find(isOverlay);
    if (column !== undefined) return { column, waits: false };
  }
  if (card.gate === 'waiting' && card.waiting_for != null) {
    const column = columns.find(({ name, id }) => name === card.waiting_for || id === card.waiting_for);
    if (column !== undefined) return { column, waits: true };
  }
  return home === undefined ? null : { column: home, waits: false };
}

/**
 * The columns with their cards; <moving> has the column of each card that is being moved, <more> how many more cards
 * each column has.
 */
export function lanesOf(
  columns: readonly BoardColumn[],
  cards: readonly TicketCard[],
  moving: ReadonlyMap<number, string> = new Map(),
  more: ReadonlyMap<string, number> = new Map(),
): Lane[] {
  const lanes = columns.map((column) => ({
    column,
    waiting: [] as TicketCard[],
    cards: [] as TicketCard[],
    more: more.get(column.id) ?? 0,
  }));
  for (const card of cards) {
    const moved = columns.find(({ id }) => id === moving.get(card.id));
    const spot = moved === undefined ? spotOf(card, columns) : { column: moved, waits: false };
    const lane = lanes.find(({ column }) => column.id === spot?.column.id);
    if (lane !== undefined) (spot?.waits === true ? lane.waiting : lane.cards).push(card);
  }
  for (const { column, waiting, cards: own } of lanes) {
    waiting.sort(byTurn);
    own.sort(column.terminal ? byEnd : byRank);
  }
  return lanes;
}

/** The counts of a column, in words: `8 of 10, 3 blocked`. */
export function countText({ count, wip_limit, blocked, waiting, phase_mapping }: BoardColumn): string {
  if (isOverlay({ phase_mapping })) return String(count);
  return [
    wip_limit == null ? String(count) : `${count} of ${wip_limit}`,
    ...(blocked > 0 ? [`${blocked} blocked`] : []),
    ...(waiting > 0 ? [`${waiting} waiting`] : []),
  ].join(', ');
}

/** How full a column is. */
export const fullness = ({ count, wip_limit }: BoardColumn): 'room' | 'full' | 'over' =>
  wip_limit == null || count < wip_limit ? 'room' : count === wip_limit ? 'full' : 'over';

/** Every card of a column, from the top. */
export const cardsOf = ({ waiting, cards }: Lane): readonly TicketCard[] => [...waiting, ...cards];

export type Step = 'next' | 'previous' | 'first' | 'last' | 'left' | 'right';

/** The card one step from the selected one; the selected one at the edge, and null on an empty board. */
export function stepTo(lanes: readonly Lane[], selected: number | null, step: Step): number | null {
  const filled = lanes.map(cardsOf).filter((cards) => cards.length > 0);
  const at = filled.findIndex((cards) => cards.some(({ id }) => id === selected));
  const cards = filled[at];
  if (cards === undefined) return filled[0]?.[0]?.id ?? null;
  const row = cards.findIndex(({ id }) => id === selected);
  const inColumn = (to: number): number | null => cards[Math.max(0, Math.min(cards.length - 1, to))]?.id ?? null;
  const beside = (by: number): number | null => {
    const other = filled[at + by];
    return other?.[Math.min(row, other.length - 1)]?.id ?? selected;
  };
  switch (step) {
    case 'next':
      return inColumn(row + 1);
    case 'previous':
      return inColumn(row - 1);
    case 'first':
      return inColumn(0);
    case 'last':
      return inColumn(cards.length - 1);
    case 'left':
      return beside(-1);
    case 'right':
      return beside(1);
  }
}

export const phaseOf = (workflow: WorkflowView | undefined, id: string): Phase | undefined =>
  workflow?.spec.phases.find((phase) => phase.id === id);

/** Whether a phase's gate asks nothing, so that a ticket passes it by entering: the host's `GateRules`. */
function asksNothing({ gate, tasks, expected_outputs }: Phase): boolean {
  const asks = (criterion: object) => Object.values(criterion).some((value) => value != null && value !== false);
  const outputs = [...expected_outputs, ...tasks.flatMap((task) => task.expected_outputs)];
  return !(gate?.criteria.some(asks) ?? tasks.length > 0) && !outputs.some(({ required }) => required);
}

/** The state of the gate of a ticket's phase; a phase without a gate has none to pass. */
export function gateOf({ gate, phase_id }: Pick<TicketCard, 'gate' | 'phase_id'>, workflow: WorkflowView | undefined) {
  const phase = phaseOf(workflow, phase_id);
  return gate === 'passed' && phase !== undefined && asksNothing(phase) ? 'open' : gate;
}

/** A phase's name; its id where the workflow does not have it. */
export const phaseName = (workflow: WorkflowView | undefined, id: string): string => phaseOf(workflow, id)?.name ?? id;

/** The phase that a card enters in a column: one that its workflow allows from here, else the column's first. */
export function phaseIn(column: BoardColumn, card: TicketCard, workflow: WorkflowView | undefined): string {
  const allowed = phaseOf(workflow, card.phase_id)?.allowed_transitions ?? [];
  return column.phase_mapping.find((phase) => allowed.includes(phase)) ?? column.phase_mapping[0] ?? card.phase_id;
}

/** Whether the workflow allows a card into a column; its gate, the limit and a block are the host's to judge. */
export function allows(column: BoardColumn, card: TicketCard, workflow: WorkflowView | undefined): boolean {
  if (isOverlay(column)) return card.done_at == null;
  const allowed = phaseOf(workflow, card.phase_id)?.allowed_transitions ?? [];
  return column.phase_mapping.some((phase) => allowed.includes(phase));
}

/** The next column in a direction, counted from the one that holds the ticket's phase. */
export function columnBeside(card: TicketCard, columns: readonly BoardColumn[], by: 1 | -1): BoardColumn | undefined {
  const places = columns.filter((column) => !isOverlay(column));
  const home = homeOf(card, places);
  return home === undefined ? undefined : places[places.indexOf(home) + by];
}

/** The card before which a card goes when it moves up or down among others; `end` after the last; null for nowhere. */
export function beforeOf(cards: readonly TicketCard[], id: number, by: 1 | -1): number | 'end' | null {
  const at = cards.findIndex((card) => card.id === id);
  if (at < 0 || at + by < 0 || at + by >= cards.length) return null;
  return by < 0 ? (cards[at - 1]?.id ?? null) : (cards[at + 2]?.id ?? 'end');
}
