import { signal } from '@preact/signals';
import { type Action, isPending, perform } from '../../ui/action';

/** After this time a row that is still there was not decided by it. */
const SETTLED_MS = 2_000;

/** Keys of things on which a decision is held or under way. */
const deciding = signal<ReadonlySet<string>>(new Set());
/** The decision of each thing that was just decided here. */
const decided = signal<ReadonlyMap<string, string>>(new Map());

export const isDeciding = (key: string): boolean => deciding.value.has(key) || decided.value.has(key);

/** The host has this page's decision; a thing that is gone otherwise was decided by somebody else. */
export const isDecided = (key: string): boolean => decided.value.has(key);

function mark(changed: readonly string[], on: boolean): void {
  const next = new Set(deciding.peek());
  for (const key of changed) {
    if (on) next.add(key);
    else next.delete(key);
  }
  deciding.value = next;
}

function settle(changed: readonly string[], decision: string | null): void {
  const next = new Map(decided.peek());
  for (const key of changed) {
    if (decision === null) next.delete(key);
    else next.set(key, decision);
  }
  decided.value = next;
}

/** An action whose undo has the things wait for a decision again. */
const withUndo = (keys: readonly string[], action: Action): Action => {
  const { undo } = action;
  if (undo === undefined) return action;
  return {
    ...action,
    undo: () => {
      settle(keys, null);
      return undo();
    },
  };
};

/**
 * Does an action that decides things. <then> is called once, when there is nothing more to do with them here: as soon
 * as the page holds it, else when the host has it.
 */
export async function decide(keys: readonly string[], action: Action, then: () => void): Promise<boolean> {
  // Its key was pressed again: the decision is on its way, or the host has it.
  const isUnderWay = (key: string) => deciding.peek().has(key) || decided.peek().get(key) === action.id;
  if (keys.every(isUnderWay) && !isPending(action)) return false;
  mark(keys, true);
  const ended = perform(withUndo(keys, action));
  const held = isPending(action);
  if (held) then();
  const done = await ended;
  // The event that removes the row may come after the answer.
  if (done) {
    settle(keys, action.id);
    setTimeout(() => settle(keys, null), SETTLED_MS);
    if (!held) then();
  }
  mark(keys, false);
  return done;
}
