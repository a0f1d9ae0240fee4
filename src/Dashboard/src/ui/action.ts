import { signal } from '@preact/signals';
import { words } from '../api/refusal';
import { confirmed, type Question } from './confirm';
import type { KeyName } from './keys';
import type { Wired } from './labels';

/** Something that can be done with a thing: a button, a key, a line of its menu, an entry of the palette. */
export interface Action {
  id: string;
  label: Wired;
  /** The rest of its accessible name, such as the thing it acts on. */
  of: string;
  key?: KeyName;
  weight?: 'primary' | 'plain' | 'danger';
  /** Asked before what cannot be undone at all: purge, kill, cancelling a turn. */
  confirm?: Question;
  /** How it is taken back once it is done. Without this and without <hold> it needs no undo. */
  undo?: () => Promise<unknown>;
  /** It cannot be taken back once the host has it: the page holds it for as long as the operator has set. */
  hold?: boolean;
  run: () => Promise<unknown>;
}

/** What was refused last; the shell reads it out and shows it until it is closed. */
export const refusal = signal<string | null>(null);

/** Does an action: asks first where it has to, and shows a refusal. True when the host did it. */
export async function perform(action: Action): Promise<boolean> {
  if (action.confirm !== undefined && !(await confirmed(action.confirm))) return false;
  try {
    await action.run();
    return true;
  } catch (e) {
    refusal.value = words(e);
    return false;
  }
}
