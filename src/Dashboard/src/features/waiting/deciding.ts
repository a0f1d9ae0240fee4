import { signal } from '@preact/signals';
import { type Action, isPending, perform } from '../../ui/action';

/** After this time a row that is still there was not decided by it. */
const SETTLED_MS = 2_000;

/** Keys of things on which a decision is held or under way. */
const keys = signal<ReadonlySet<string>>(new Set());

export const isDeciding = (key: string): boolean => keys.value.has(key);

function mark(changed: readonly string[], on: boolean): void {
  const next = new Set(keys.peek());
  for (const key of changed) {
    if (on) next.add(key);
    else next.delete(key);
  }
  keys.value = next;
}

/**
 * Does an action that decides things. <then> is called when there is nothing more to do with them here: when the page
 * holds it, and when the host has it.
 */
export async function decide(decided: readonly string[], action: Action, then: () => void): Promise<boolean> {
  mark(decided, true);
  const ended = perform(action);
  const held = isPending(action);
  if (held) then();
  const done = await ended;
  if (done) then();
  // The event that removes the row may come after the answer.
  if (done) setTimeout(() => mark(decided, false), SETTLED_MS);
  else mark(decided, false);
  return done;
}
