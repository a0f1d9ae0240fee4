import type { Handlers } from '../../stream/picture';
import type { EndedTurns } from './store';

export function eventsOf(turns: EndedTurns): Handlers {
  return { turn_ended: ({ turn }) => turns.put(turn) };
}
