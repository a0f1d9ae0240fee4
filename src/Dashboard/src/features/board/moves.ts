import { signal } from '@preact/signals';
import { api } from '../../api/client';
import { words } from '../../api/refusal';
import type { BoardColumn, TicketCard } from '../../api/types';
import { tell } from '../../ui/told';
import { at } from './actions';
import { board } from './store';

/** After this time a card that the host has moved is shown where the host's row says, whatever that is. */
const SETTLED_MS = 2_000;

/** The column of each card that is being moved, by the ticket's id. */
export const moving = signal<ReadonlyMap<number, string>>(new Map());

/** Where a card stands: what was said of its moves holds there alone. */
type Standing = Pick<TicketCard, 'id' | 'phase_id'>;

/** The host's refusal of a move: its words, and the phase that was asked for. */
interface Refused {
  why: string;
  to?: string;
}

/** The refusal at the card that snapped back, with its phase then, by the ticket's id. */
const refusals = signal<ReadonlyMap<number, { phase: string; refused: Refused }>>(new Map());

/** Why a card was not moved from where it stands; null where nothing was refused there. */
export function refusalOf({ id, phase_id }: Standing): Refused | null {
  const at = refusals.value.get(id);
  return at?.phase === phase_id ? at.refused : null;
}

export function refuse({ id, phase_id }: Standing, why: string | null, to?: string): void {
  if (why === null && !refusals.peek().has(id)) return;
  const next = new Map(refusals.peek());
  if (why === null) next.delete(id);
  else next.set(id, { phase: phase_id, refused: to === undefined ? { why } : { why, to } });
  refusals.value = next;
}

/** The members of a card that decide its column. */
const standingOf = (card: TicketCard | undefined): string =>
  card === undefined ? '' : [card.phase_id, card.gate, card.waiting_for, card.blocked].join(' ');

function show(id: number, column: string | null): void {
  const next = new Map(moving.peek());
  if (column === null) next.delete(id);
  else next.set(id, column);
  moving.value = next;
}

/**
 * Shows a card in a column while the host moves it there. A refusal brings it back, and its words stand at the card.
 * True when the host moved it.
 */
export async function carry(card: TicketCard, column: BoardColumn, to_phase: string): Promise<boolean> {
  const { id } = card;
  if (moving.peek().has(id)) return false;
  refuse(card, null);
  show(id, column.id);
  try {
    await api.POST('/api/v1/tickets/{id}/transition', { ...at(id), body: { to_phase } });
  } catch (e) {
    show(id, null);
    refuse(card, words(e), to_phase);
    return false;
  }
  tell(`Ticket ${id} moved to ${column.name}`);
  // The event with its new row may come after the answer.
  const stop = setTimeout(() => end(), SETTLED_MS);
  const forget = board.cards.subscribe(() => {
    // It may be further on than asked for, where a gate lets it on at once, or wait in front of the column.
    if (standingOf(board.card(id)) !== standingOf(card)) queueMicrotask(() => end());
  });
  const end = () => {
    clearTimeout(stop);
    forget();
    show(id, null);
  };
  return true;
}
