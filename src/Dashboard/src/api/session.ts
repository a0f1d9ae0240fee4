import { signal } from '@preact/signals';

const KEY = 'hive.key';

/** The reason why the page asks to sign in; null while it holds a key that was not refused. */
export const signedOut = signal<string | null>(null);

export const key = (): string | null => localStorage.getItem(KEY);

export function signIn(newKey: string): void {
  localStorage.setItem(KEY, newKey);
  signedOut.value = null;
}

/**
 * Asks to sign in, since the host does not know the key; true when another tab has stored a newer key, which is worth
 * a try. The refused key stays until it is replaced: any program can claim not to know a key.
 */
export function signOut(refused: string | null): boolean {
  const now = key();
  if (now !== null && now !== refused) return true;
  signedOut.value ??=
    refused === null
      ? ''
      : 'The host that answers here does not know this session: it has ended (12 hours without use), ' +
        'or another program answers in place of your Hive. Do not reload: a reload would load the page of the other ' +
        'program, and this one resumes when your Hive answers again and knows the session.';
  return false;
}

/** Forgets <used> at the operator's sign-out, unless another tab has stored a newer key. */
export function leave(used: string | null, why: string): void {
  if (key() === used) localStorage.removeItem(KEY);
  if (key() === null) signedOut.value = why;
}

/** The code in a login link's fragment, or null. */
export function codeIn(text: string): string | null {
  return /#login=([^&\s]+)/.exec(text)?.[1] ?? null;
}

/** Calls back with the current key when another tab signs in or out. */
export function onKeyChange(changed: (key: string | null) => void): void {
  addEventListener('storage', (e) => {
    if (e.key === KEY || e.key === null) changed(key());
  });
}
