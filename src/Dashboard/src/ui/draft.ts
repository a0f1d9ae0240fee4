import { type ReadonlySignal, signal } from '@preact/signals';

const PREFIX = 'hive.draft.';
const SENT = 'hive.sent';
/** How many sent texts are remembered. */
const REMEMBERED = 50;
/** Drafts without a change for this long are dropped when the page starts. */
const KEPT_MS = 30 * 24 * 3600 * 1000;

/** The part of the browser's storage that the drafts need. */
export type DraftStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>;

interface Draft {
  text: string;
  at: number;
}

/**
 * The texts that are being written, by what they are for (`to:alice`, `deny:12.…`), and the texts that were sent. They
 * outlive reloads and restarts of the host, and every tab shows the same ones. Where the browser keeps nothing, they
 * last as long as the page.
 */
export class Drafts {
  readonly #all = signal<ReadonlyMap<string, Draft>>(new Map());
  readonly #sent = signal<readonly string[]>([]);
  readonly #kept = signal(true);

  constructor(
    private readonly storage: () => DraftStorage,
    now = Date.now(),
  ) {
    try {
      const stored = this.storage();
      const names = Array.from({ length: stored.length }, (_, i) => stored.key(i) ?? '');
      const all = new Map<string, Draft>();
      for (const name of names) {
        if (!name.startsWith(PREFIX)) continue;
        const draft = draftIn(stored.getItem(name), now);
        if (draft === null || now - draft.at > KEPT_MS) stored.removeItem(name);
        else all.set(name.slice(PREFIX.length), draft);
      }
      this.#all.value = all;
      this.#sent.value = sentIn(stored.getItem(SENT));
    } catch {
      this.#kept.value = false;
    }
  }

  /** Whether the browser keeps drafts; false where its storage is full or forbidden. */
  get kept(): ReadonlySignal<boolean> {
    return this.#kept;
  }

  /** The texts that were sent from any box, the latest first. */
  get sent(): ReadonlySignal<readonly string[]> {
    return this.#sent;
  }

  of(target: string): string {
    return this.#all.value.get(target)?.text ?? '';
  }

  /** Whether a text that is not only blanks waits there. */
  has(target: string): boolean {
    return this.of(target).trim() !== '';
  }

  keep(target: string, text: string): void {
    const all = new Map(this.#all.peek());
    if (text === '') all.delete(target);
    else all.set(target, { text, at: Date.now() });
    this.#all.value = all;
    const draft = all.get(target);
    this.#store(PREFIX + target, draft === undefined ? null : JSON.stringify(draft));
  }

  remember(text: string): void {
    if (text.trim() === '') return;
    this.#sent.value = [text, ...this.#sent.peek().filter((other) => other !== text)].slice(0, REMEMBERED);
    this.#store(SENT, JSON.stringify(this.#sent.value));
  }

  /** Takes what another tab has stored. */
  heard(name: string | null, value: string | null): void {
    if (name === null) {
      // All was removed at a sign-out.
      this.#all.value = new Map();
      this.#sent.value = [];
      return;
    }
    if (name === SENT) this.#sent.value = sentIn(value);
    if (!name.startsWith(PREFIX)) return;
    const all = new Map(this.#all.peek());
    const draft = draftIn(value, Date.now());
    if (draft === null) all.delete(name.slice(PREFIX.length));
    else all.set(name.slice(PREFIX.length), draft);
    this.#all.value = all;
  }

  #store(name: string, value: string | null): void {
    try {
      if (value === null) this.storage().removeItem(name);
      else this.storage().setItem(name, value);
      this.#kept.value = true;
    } catch {
      this.#kept.value = false;
    }
  }
}

/** A stored draft; a text in another form is a draft of an earlier version, and stays. */
function draftIn(stored: string | null, now: number): Draft | null {
  if (stored === null || stored === '') return null;
  try {
    const { text, at } = JSON.parse(stored) as Partial<Draft>;
    if (typeof text === 'string') return text === '' ? null : { text, at: typeof at === 'number' ? at : now };
  } catch {
    // Not JSON.
  }
  return { text: stored, at: now };
}

function sentIn(stored: string | null): readonly string[] {
  try {
    const sent: unknown = JSON.parse(stored ?? '[]');
    return Array.isArray(sent) ? sent.filter((text): text is string => typeof text === 'string') : [];
  } catch {
    return [];
  }
}

export const drafts = new Drafts(() => localStorage);

if (typeof addEventListener === 'function')
  addEventListener('storage', (e) => {
    if (e.storageArea === localStorage) drafts.heard(e.key, e.newValue);
  });

/** The draft for a target, and how it is changed. */
export const useDraft = (target: string): [string, (text: string) => void] => [
  drafts.of(target),
  (text) => drafts.keep(target, text),
];
