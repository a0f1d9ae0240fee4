import { words } from '../api/refusal';
import { confirmed, type Question } from './confirm';
import type { KeyName } from './keys';
import { refusal } from './refused';
import { type Deed, heldToast, hold, isHeld, offerUndo, type Toast } from './undo';

export { refusal } from './refused';

/** Something that can be done with a thing: a button, a key, a line of its menu, an entry of the palette. */
export interface Action extends Omit<Deed, 'name'> {
  id: string;
  key?: KeyName;
  weight?: 'primary' | 'plain' | 'danger';
  /** In a menu: what is shown after its label, where lines differ by it alone, such as a column's name. */
  shown?: string;
  /** Asked before what cannot be undone at all: purge, kill, cancelling a turn. */
  confirm?: Question;
  /** It cannot be taken back once the host has it: the page holds it for as long as the operator has set. */
  hold?: boolean;
}

const deedOf = (action: Action): Deed => ({ ...action, name: `${action.id} ${action.of}` });

/** Whether the page holds an action, so that it can still be taken back. */
export const isPending = (action: Action): boolean => isHeld(deedOf(action).name);

/** The notice of an action that the page holds, with the text that goes along. */
export const pendingOf = (action: Action): Toast | undefined => heldToast(deedOf(action).name);

/** The requests that the host has not answered. */
const underWay = new Map<string, Promise<boolean>>();

/**
 * Does an action: asks first where it has to, holds what cannot be taken back, offers the way back of what can, and
 * shows a refusal. True when the host did it. The same action again, while it is held, is sent at once.
 */
export async function perform(action: Action): Promise<boolean> {
  const name = `${action.label} ${deedOf(action).name}`;
  // Its key was pressed again before it is answered, by the operator or by the host.
  const before = isPending(action) ? undefined : underWay.get(name);
  if (before !== undefined) return before;
  const done = carryOut(action);
  underWay.set(name, done);
  try {
    return await done;
  } finally {
    if (underWay.get(name) === done) underWay.delete(name);
  }
}

async function carryOut(action: Action): Promise<boolean> {
  try {
    if (action.confirm !== undefined && !(await confirmed(action.confirm))) return false;
    if (action.hold === true) return await hold(deedOf(action));
    await action.run();
    offerUndo(deedOf(action));
    return true;
  } catch (e) {
    refusal.value = words(e);
    return false;
  }
}

/**
 * The same action on many things as one: held once, taken back at once. What failed of it is named, and the rest stays
 * done.
 */
export function together(of: string, actions: readonly [Action, ...Action[]]): Action {
  const [first] = actions;
  let done: readonly Action[] = [];
  return {
    id: `many ${first.id} ${actions.map((action) => action.of).join(',')}`,
    label: first.label,
    of,
    ...(first.hold === undefined ? {} : { hold: first.hold }),
    things: actions.flatMap(({ things }) => things ?? []),
    // While one of them can be done, they are sent, and the host's refusals name the others.
    over: () => {
      const whys = actions.map(({ over }) => over?.() ?? null);
      return whys.includes(null) ? null : [...new Set(whys)].join('; ');
    },
    ...(first.undo === undefined
      ? {}
      : { undo: () => each(done, (action) => action.undo?.() ?? Promise.resolve(), 'not taken back') }),
    run: async () => {
      done = await each(actions, (action) => action.run(), 'failed');
    },
  };
}

/** Does one thing with each; returns those with which it worked, and names the others. */
async function each(
  actions: readonly Action[],
  run: (action: Action) => Promise<unknown>,
  what: string,
): Promise<readonly Action[]> {
  const ends = await Promise.allSettled(actions.map(run));
  const faults = ends.flatMap((end, i) =>
    end.status === 'rejected' ? [`${actions[i]?.of ?? ''}: ${words(end.reason)}`] : [],
  );
  const said = `${faults.length} of ${actions.length} ${what}. ${faults.join(' · ')}`;
  if (faults.length === actions.length) throw new Error(said);
  if (faults.length > 0) refusal.value = said;
  return actions.filter((_, i) => ends[i]?.status === 'fulfilled');
}
