import { signal } from '@preact/signals';

const KEY = 'hive.key';

/** The reason why the page asks to sign in; null while it holds a key that was not refused. */
export const signedOut = signal<string | null>(null);

/** The key of a browser that cannot keep it, since its storage is full or forbidden: it lasts as long as the page. */
let unkept: string | null = null;

export const key = (): string | null => unkept ?? stored();

export function signIn(newKey: string): void {
  try {
    localStorage.setItem(KEY, newKey);
    unkept = null;
  } catch {
    unkept = newKey;
  }
  signedOut.value = null;
}

let signingIn: Promise<unknown> | null = null;

export const isSigningIn = (): boolean => signingIn !== null;

/** Signs in with the key that <redeemed> gives. The host ends the session of the former key with it. */
export async function signInBy(redeemed: Promise<string>): Promise<void> {
  const begun = redeemed.then(signIn);
  const all = Promise.allSettled([signingIn, begun]);
  signingIn = all;
  void all.then(() => {
    if (signingIn === all) signingIn = null;
  });
  await begun;
}

/**
 * Waits until no sign-in is under way: a request under the former key could reach the host after its session has ended.
 * A sign-in that failed leaves the former key.
 */
export async function waitForSignIn(): Promise<void> {
  while (signingIn !== null) await signingIn;
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
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
      : 'The host that answers here does not know this session: it has ended (after 12 hours without use, ' +
        'after 30 days, or because it was ended), or another program answers in place of your Hive. Do not reload: a ' +
        'reload would load the page of the other program, and this one resumes when your Hive answers again and ' +
        'knows the session.';
  return false;
}

/** Forgets <used> and all that the page has stored at the operator's sign-out, unless another tab has a newer key. */
export function leave(used: string | null, why: string): void {
  if (key() === used) forget();
  if (key() === null) signedOut.value = why;
}

function forget(): void {
  unkept = null;
  try {
    // Drafts and comments too: the next person at this browser is not to read them.
    localStorage.clear();
    dispatchEvent(new StorageEvent('storage', { storageArea: localStorage }));
  } catch {
    // The storage is forbidden, so that it holds nothing.
  }
}

/** The code in a login link's fragment, or null. */
export function codeIn(text: string): string | null {
  return /#login=([^&\s]+)/.exec(text)?.[1] ?? null;
}

/** Calls back with the current key when another tab signs in or out. */
export function onKeyChange(changed: (key: string | null) => void): void {
  addEventListener('storage', (e) => {
    if (e.key !== KEY && e.key !== null) return;
    unkept = null;
    changed(key());
  });
}
