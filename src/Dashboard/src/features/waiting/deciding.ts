import { signal } from '@preact/signals';
import { type Action, isPending, perform } from '../../ui/action';

/** After this time a row that is still there was not decided by it. */
const SETTLED_MS = 2_000;

/** Keys of things on which a decision is held or under way, and of those that were just decided here. */
const deciding = signal<ReadonlySet<string>>(new Set());
const decided = signal<ReadonlySet<string>>(new Set());

export const isDeciding = (key: string): boolean => deciding.value.has(key) || decided.value.has(key);

/** The host has this page's decision; a thing that is gone otherwise was decided by somebody else. */
export const isDecided = (key: string): boolean => decided.value.has(key);

function mark(keys: typeof deciding, changed: readonly string[], on: boolean): void {
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
export async function decide(keys: readonly string[], action: Action, then: () => void): Promise<boolean> {
  mark(deciding, keys, true);
  const ended = perform(action);
  const held = isPending(action);
  if (held) then();
  const done = await ended;
  // The event that removes the row may come after the answer.
  if (done) {
    mark(decided, keys, true);
    setTimeout(() => mark(decided, keys, false), SETTLED_MS);
    then();
  }
  mark(deciding, keys, false);
  return done;
}
