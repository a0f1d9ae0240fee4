import { computed, effect, signal } from '@preact/signals';
import { isProven, outliveThePage, prepare } from '../api/client';
import { Refusal, words } from '../api/refusal';
import { keyOf } from './keys';
import { LABELS, type Wired } from './labels';
import { live } from './live';
import { preferences } from './preferences';
import { refusal } from './refused';

/** Something that the operator does and may take back. */
export interface Deed {
  /** Identifies it: the same deed again, while it is held, is sent at once. */
  name: string;
  label: Wired;
  /** The rest of its accessible name, such as the thing it acts on. */
  of: string;
  run: () => Promise<unknown>;
  /** How it is taken back once it is done. A deed that is not held needs none where nothing is lost by it. */
  undo?: () => Promise<unknown>;
  /** Called when the page goes away before the action was sent. */
  left?: () => void;
  /** Why it cannot be done any more, such as a decision made elsewhere: then nothing is sent. Reads signals. */
  over?: () => string | null;
  /** What it decides: while it is held, no other deed on the same things is, since one would contradict the other. */
  things?: readonly string[];
  /** Until when the host takes it: what a hold would make late is sent at once. */
  deadline?: string | null | undefined;
  /** The address of its record, which its receipt leads to. */
  to?: string;
  /** The text that goes along, such as an answer. */
  text?: string;
  /** What its receipt says where the work goes on after the answer, as after an approved change. Reads signals. */
  result?: () => string | null;
}

/** A notice of a deed: held with the way back, then the receipt of what was done. */
export interface Toast extends Pick<Deed, 'label' | 'of' | 'to' | 'text' | 'result'> {
  id: number;
  state: 'held' | 'away' | 'sending' | 'done' | 'undone' | 'sent';
  /** When the host had it. */
  at: string | null;
  /** When it is sent or disappears; null while the operator looks at it, or while the host is away. */
  until: number | null;
  /** Takes it back; null where it cannot be taken back any more. */
  undo: (() => void) | null;
  /** Sends what is held at once. */
  now: (() => void) | null;
}

/** For how long a deed that is done can be taken back. */
export const UNDO_MS = 8_000;
/** For how long the page says that something was taken back. */
const SAID_MS = 4_000;
/** How many are shown at once; older ones that are done go. */
const SHOWN = 4;
const KEPT = 'hive.left';

const all = signal<readonly Toast[]>([]);

/** The notices that are shown now, the latest last. */
export const toasts = computed(() => all.value);

interface Held {
  deed: Deed;
  toast: number;
  send: () => void;
  done: Promise<boolean>;
}

/** The states in which the host does not have it yet. */
const PENDING: ReadonlySet<Toast['state']> = new Set(['held', 'away', 'sending']);

const heldNow = signal<ReadonlyMap<string, Held>>(new Map());
const clocks = new Map<number, { timer: ReturnType<typeof setTimeout> | undefined; ms: number; run: () => void }>();
let last = 0;

/** Whether a deed is held and can still be taken back. */
export const isHeld = (name: string): boolean => heldNow.value.has(name);

/** The notice of a deed that the host does not have yet. */
export function heldToast(name: string): Toast | undefined {
  const id = heldNow.value.get(name)?.toast;
  return all.value.find((toast) => toast.id === id);
}

/** Says what was done for a while, with the way back. */
export function offerUndo(deed: Deed): void {
  const { undo } = deed;
  if (undo === undefined) return;
  const id = receipt(deed);
  const take = () => {
    // It does not go before its answer.
    stopClock(id);
    change(id, { undo: null, until: null });
    undo().then(
      () => say(id, 'undone', SAID_MS),
      (e: unknown) => {
        // It may work once the host is there again.
        change(id, { undo: take });
        startClock(id, UNDO_MS, () => remove(id));
        refusal.value = `Not taken back: ${words(e)}`;
      },
    );
  };
  change(id, { undo: take });
}

/** Says that the host has it, for a while. */
function receipt(deed: Deed): number {
  const id = add(deed, 'done', UNDO_MS, () => remove(id));
  change(id, { at: new Date().toISOString() });
  return id;
}

/**
 * Holds a deed for as long as the operator has set, then sends it. True when the host did it, false when it was taken
 * back; a refusal is thrown. The same deed again is sent at once.
 */
export function hold(deed: Deed): Promise<boolean> {
  const before = heldNow.peek().get(deed.name);
  if (before !== undefined) {
    before.send();
    return before.done;
  }
  const other = [...heldNow.peek().values()].find(({ deed: { things } }) =>
    things?.some((thing) => deed.things?.includes(thing)),
  )?.deed;
  if (other !== undefined) return Promise.reject(new Error(contradicts(deed, other)));
  const ms = preferences.peek().undo_seconds * 1000;
  if (ms === 0 || isLate(deed, ms))
    return deed.run().then(() => {
      receipt(deed);
      return true;
    });
  prepare();
  let settle: { resolve: (done: boolean) => void; reject: (e: unknown) => void } | undefined;
  const done = new Promise<boolean>((resolve, reject) => {
    settle = { resolve, reject };
  });
  const id = add(deed, 'held', ms, () => void send());
  let sent = false;
  const send = async (again = false): Promise<void> => {
    if (sent && !again) return;
    if (live.connection.peek().state !== 'live' && !leaving) {
      // It waits for the host, and can still be taken back.
      stopClock(id);
      change(id, { state: 'away', until: null, now: null });
      const forget = live.connection.subscribe(({ state }) => {
        if (state !== 'live') return;
        queueMicrotask(() => forget());
        if (heldNow.peek().get(deed.name)?.toast === id) void send(again);
      });
      return;
    }
    sent = true;
    stopClock(id);
    change(id, { state: 'sending', undo: null, now: null, until: null });
    try {
      await deed.run();
      release(deed);
      say(id, 'done', UNDO_MS);
      settle?.resolve(true);
    } catch (e) {
      if (isUnsure(e) && !again && live.connection.peek().state !== 'live') {
        // Whether it arrived shows when it is sent again: the host does nothing twice, and refuses a second decision.
        void send(true);
        return;
      }
      release(deed);
      remove(id);
      settle?.reject(e);
    }
  };
  change(id, {
    now: () => void send(),
    undo: () => {
      release(deed);
      say(id, 'undone', SAID_MS);
      settle?.resolve(false);
    },
  });
  heldNow.value = new Map(heldNow.peek()).set(deed.name, { deed, toast: id, send: () => void send(), done });
  dropWhenOver(deed, id, (why) => {
    if (sent) return;
    release(deed);
    remove(id);
    settle?.reject(new Error(`${why}. Yours was not sent: ${LABELS[deed.label]} ${deed.of}.`));
  });
  return done;
}

/** Why a deed is not done while another one on the same thing is held. */
function contradicts(deed: Deed, other: Deed): string {
  const key = keyOf('undo');
  const [mine, first] = [deed, other].map(({ label, of }) => `${LABELS[label]} ${of}`);
  return `${first} is held${key === '' ? '' : `; ${key} takes it back`}. Yours was not sent: ${mine}.`;
}

/** How long the request itself may take. */
const SENDING_MS = 1_000;

/** Whether the host would take it no longer after a hold. */
const isLate = ({ deadline }: Deed, ms: number): boolean =>
  deadline != null && Date.parse(deadline) <= Date.now() + ms + SENDING_MS;

/** Watches a deed for as long as it is held, since somebody else may decide first. */
function dropWhenOver({ name, over }: Deed, id: number, drop: (why: string) => void): void {
  if (over === undefined) return;
  const stop = effect(() => {
    const isHere = heldNow.value.get(name)?.toast === id;
    const why = isHere ? over() : null;
    if (isHere && why === null) return;
    queueMicrotask(() => {
      stop();
      if (why !== null) drop(why);
    });
  });
}

const isUnsure = (e: unknown): boolean => e instanceof Refusal && e.status === 0;

function release({ name }: Deed): void {
  const rest = new Map(heldNow.peek());
  rest.delete(name);
  heldNow.value = rest;
}

/** By what the operator looks at each toast. */
const looks = new Map<number, Set<'pointer' | 'focus'>>();

const isLookedAt = (id: number): boolean => (looks.get(id)?.size ?? 0) > 0;
const isHeldToast = (id: number): boolean => all.peek().find((toast) => toast.id === id)?.state === 'held';

/** The operator looks at it: its time stands still, but for what is held, since somebody waits for that. */
export function pauseToast(id: number, by: 'pointer' | 'focus'): void {
  looks.set(id, (looks.get(id) ?? new Set()).add(by));
  const clock = clocks.get(id);
  if (clock === undefined || isHeldToast(id)) return;
  clearTimeout(clock.timer);
  change(id, { until: null });
}

/** Its time begins again, once neither the pointer nor the focus is on it. */
export function resumeToast(id: number, by: 'pointer' | 'focus'): void {
  looks.get(id)?.delete(by);
  if (isLookedAt(id)) return;
  const clock = clocks.get(id);
  if (clock === undefined || all.peek().find((toast) => toast.id === id)?.until !== null) return;
  startClock(id, clock.ms, clock.run);
}

/** Takes back the latest thing that can be taken back; false where there is none. */
export function undoLatest(): boolean {
  const latest = all.peek().findLast(({ undo }) => undo !== null);
  latest?.undo?.();
  return latest !== undefined;
}

/** The address of the record that a notice leads to: that of something that was done. */
export const recordOf = ({ state, to }: Toast): string | null =>
  to !== undefined && (state === 'done' || state === 'sent') ? to : null;

/** Where the latest receipt that has a record leads; null where none does. */
export const latestRecord = (): string | null =>
  all.peek().reduce<string | null>((latest, toast) => recordOf(toast) ?? latest, null);

let leaving = false;

/** The page goes away: sends everything that is held, and leaves a note of it for the next page. */
export function sendBeforeLeaving(): void {
  const held = [...heldNow.peek().values()];
  if (held.length === 0) return;
  leaving = true;
  const isSent = isProven();
  try {
    const note = held.map(({ deed: { label, of, to } }) => ({ label, of, to, isSent }));
    localStorage.setItem(KEPT, JSON.stringify(note));
  } catch {
    // The storage is full or forbidden: the next page says nothing of it.
  }
  outliveThePage();
  for (const { deed, send } of held) {
    if (isSent) send();
    else deed.left?.();
  }
}

/** The page was left and is shown again as it was. */
export function cameBack(): void {
  leaving = false;
}

/** Says what became of things that were held when the page before went away. */
export function tellOfLeft(plain: (label: Wired) => string): void {
  let left: unknown;
  try {
    left = JSON.parse(localStorage.getItem(KEPT) ?? '[]');
    localStorage.removeItem(KEPT);
  } catch {
    return;
  }
  if (!Array.isArray(left)) return;
  const notes = left.filter(isNote);
  const missed = notes.filter(({ isSent }) => !isSent);
  if (missed.length > 0)
    refusal.value = `The page went away while the host was away. Not sent: ${missed
      .map(({ label, of }) => `${plain(label)} ${of}`)
      .join('; ')}.`;
  for (const { label, of, to, isSent } of notes)
    if (isSent) {
      const id = add({ label, of, ...(to === undefined ? {} : { to }) }, 'sent', UNDO_MS, () => remove(id));
    }
}

/** Whether it is a note of this version: another one may have left it. */
function isNote(note: unknown): note is { label: Wired; of: string; to?: string; isSent: boolean } {
  const { label, of, to } = (note ?? {}) as Partial<Record<'label' | 'of' | 'to', unknown>>;
  const leads = to === undefined || (typeof to === 'string' && /^\/(?!\/)/.test(to));
  return typeof label === 'string' && label in LABELS && typeof of === 'string' && leads;
}

function add(
  { label, of, to, text, result }: Omit<Deed, 'name' | 'run'>,
  state: Toast['state'],
  ms: number,
  then: () => void,
): number {
  const id = ++last;
  const others = all.peek();
  // A held deed has to be sent, and one that can be taken back keeps its time.
  const surplus = others.filter((toast) => !PENDING.has(toast.state) && toast.undo === null).slice(0, -(SHOWN - 1));
  for (const { id: old } of others.length >= SHOWN ? surplus : []) remove(old);
  const more = { ...(to && { to }), ...(text && { text }), ...(result && { result }) };
  all.value = [...all.peek(), { id, label, of, ...more, state, at: null, until: null, undo: null, now: null }];
  startClock(id, ms, then);
  return id;
}

function say(id: number, state: 'done' | 'undone', ms: number): void {
  change(id, { state, at: state === 'done' ? new Date().toISOString() : null, undo: null, now: null });
  startClock(id, ms, () => remove(id));
}

function startClock(id: number, ms: number, run: () => void): void {
  stopClock(id);
  const waits = isLookedAt(id) && !isHeldToast(id);
  clocks.set(id, { timer: waits ? undefined : setTimeout(run, ms), ms, run });
  change(id, { until: waits ? null : Date.now() + ms });
}

function stopClock(id: number): void {
  clearTimeout(clocks.get(id)?.timer);
  clocks.delete(id);
}

function change(id: number, changed: Partial<Toast>): void {
  all.value = all.peek().map((toast) => (toast.id === id ? { ...toast, ...changed } : toast));
}

function remove(id: number): void {
  stopClock(id);
  looks.delete(id);
  all.value = all.peek().filter((toast) => toast.id !== id);
}
