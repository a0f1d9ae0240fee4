import { signal } from '@preact/signals';

const KEY = 'hive.key';

/** Why the page asks to sign in; null while it holds a key that nobody has refused. */
export const signedOut = signal<string | null>(null);

export const key = (): string | null => localStorage.getItem(KEY);

export function signIn(newKey: string): void {
  localStorage.setItem(KEY, newKey);
  signedOut.value = null;
}

/** Forgets the key that was refused; true when another tab has put a newer one there meanwhile: it stays, and is worth a try. */
export function signOut(refused: string | null): boolean {
  if (refused !== null && key() === refused) localStorage.removeItem(KEY);
  if (key() === null) signedOut.value ??= refused === null ? '' : 'The session has ended, or the host does not know it any more.';
  return key() !== null;
}

/** The operator signs out: forgets <used>, unless another tab has put a newer key in its place. */
export function leave(used: string | null, why: string): void {
  if (key() === used) localStorage.removeItem(KEY);
  if (key() === null) signedOut.value = why;
}

/** The code in a login link's fragment, or null. */
export function codeIn(text: string): string | null {
  return /#login=([^&\s]+)/.exec(text)?.[1] ?? null;
}

/** Another tab signed in or out: calls back with what the key is now. */
export function onKeyChange(changed: (key: string | null) => void): void {
  addEventListener('storage', (e) => {
    if (e.key === KEY || e.key === null) changed(key());
  });
}
