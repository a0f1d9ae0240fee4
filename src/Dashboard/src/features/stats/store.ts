import { signal } from '@preact/signals';
import type { Turn } from '../../api/types';

const TURN_ROWS = 200;

/** The turns that ended while the page was connected. */
export class EndedTurns {
  /** The latest first; earlier ones are fetched where they are shown. */
  readonly all = signal<readonly Turn[]>([]);

  put(turn: Turn): void {
    this.all.value = [turn, ...this.all.value.filter(({ id }) => id !== turn.id)].slice(0, TURN_ROWS);
  }
}

export const turns = new EndedTurns();
