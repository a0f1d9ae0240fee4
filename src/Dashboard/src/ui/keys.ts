import { computed, signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { createKeybindingsHandler } from 'tinykeys';
import { preferences } from './preferences';

interface Key {
  /** Keys as tinykeys writes them; a space stands between the keys of a sequence. */
  keys: readonly string[];
  does: string;
  group: 'Everywhere' | 'Places' | 'Lists' | 'The selected thing' | 'An agent';
}

/**
 * Every key of the page: what the map of keys, the tooltips, the palette and the settings show, and what the page does.
 * Single characters act only outside of boxes, and each can be changed or switched off (WCAG 2.2, 2.1.4).
 */
export const KEYS = {
  palette: { keys: ['$mod+k'], does: 'Search or do anything', group: 'Everywhere' },
  keys: { keys: ['?'], does: 'Show the map of keys', group: 'Everywhere' },
  filter: { keys: ['/'], does: 'Filter this place', group: 'Everywhere' },
  back: { keys: ['Escape'], does: 'One layer back', group: 'Everywhere' },
  write: { keys: ['c'], does: 'Write a message', group: 'Everywhere' },
  'new-agent': { keys: ['n'], does: 'Make an agent', group: 'Everywhere' },
  'new-ticket': { keys: ['Shift+N'], does: 'Make a ticket', group: 'Everywhere' },
  undo: { keys: ['z', '$mod+z'], does: 'Undo', group: 'Everywhere' },
  receipt: { keys: ['v'], does: 'Show what was just done', group: 'Everywhere' },
  panel: { keys: [']'], does: 'Go to the side panel', group: 'Everywhere' },
  tab: { keys: ['['], does: 'Next tab', group: 'Everywhere' },
  'go-home': { keys: ['g h'], does: 'Go to the overview', group: 'Places' },
  'go-waiting': { keys: ['g w'], does: 'Go to what waits for you', group: 'Places' },
  'go-agents': { keys: ['g a'], does: 'Go to the agents', group: 'Places' },
  'go-board': { keys: ['g b'], does: 'Go to the board', group: 'Places' },
  'go-messages': { keys: ['g m'], does: 'Go to the messages', group: 'Places' },
  'go-changes': { keys: ['g c'], does: 'Go to the changes', group: 'Places' },
  'go-stats': { keys: ['g s'], does: 'Go to the statistics', group: 'Places' },
  'go-system': { keys: ['g y'], does: 'Go to the system', group: 'Places' },
  'go-settings': { keys: ['g t'], does: 'Go to the settings', group: 'Places' },
  next: { keys: ['j', 'ArrowDown'], does: 'Next row', group: 'Lists' },
  previous: { keys: ['k', 'ArrowUp'], does: 'Previous row', group: 'Lists' },
  left: { keys: ['ArrowLeft'], does: 'Column to the left', group: 'Lists' },
  right: { keys: ['ArrowRight'], does: 'Column to the right', group: 'Lists' },
  first: { keys: ['g g', 'Home'], does: 'First row', group: 'Lists' },
  last: { keys: ['Shift+G', 'End'], does: 'Last row', group: 'Lists' },
  open: { keys: ['Enter', 'o'], does: 'Open', group: 'Lists' },
  actions: { keys: ['.'], does: 'What can be done with it', group: 'Lists' },
  select: { keys: ['x'], does: 'Select', group: 'Lists' },
  'select-to': { keys: ['Shift+X'], does: 'Select up to here', group: 'Lists' },
  'select-all': { keys: ['*'], does: 'Select all', group: 'Lists' },
  approve: { keys: ['a'], does: 'Approve', group: 'The selected thing' },
  deny: { keys: ['d'], does: 'Deny', group: 'The selected thing' },
  reply: { keys: ['r'], does: 'Reply or answer', group: 'The selected thing' },
  later: { keys: ['s'], does: 'Later', group: 'The selected thing' },
  done: { keys: ['e'], does: 'Done', group: 'The selected thing' },
  option: {
    keys: ['1', '2', '3', '4', '5', '6', '7', '8', '9'],
    does: 'Choose an option by its number',
    group: 'The selected thing',
  },
  move: { keys: ['m'], does: 'Move to a column', group: 'The selected thing' },
  'move-left': { keys: ['Shift+ArrowLeft'], does: 'Move one column to the left', group: 'The selected thing' },
  'move-right': { keys: ['Shift+ArrowRight'], does: 'Move one column to the right', group: 'The selected thing' },
  'move-up': { keys: ['Shift+ArrowUp'], does: 'Move up in its column', group: 'The selected thing' },
  'move-down': { keys: ['Shift+ArrowDown'], does: 'Move down in its column', group: 'The selected thing' },
  block: { keys: ['b'], does: 'Block or unblock', group: 'The selected thing' },
  hold: { keys: ['h'], does: 'Hold or release', group: 'The selected thing' },
  copy: { keys: ['y'], does: 'Copy its address', group: 'The selected thing' },
  pause: { keys: ['p'], does: 'Pause or resume', group: 'An agent' },
  log: { keys: ['l'], does: 'Show the log', group: 'An agent' },
  turns: { keys: ['t'], does: 'Show the turns', group: 'An agent' },
  details: { keys: ['i'], does: 'Show the rest of its facts', group: 'An agent' },
} as const satisfies Record<string, Key>;

export type KeyName = keyof typeof KEYS;

/** The keys of a command, as the operator has set them. */
export const keysOf = (name: KeyName): readonly string[] => {
  const own = preferences.value.keys[name];
  return own === undefined ? KEYS[name].keys : own === '' ? [] : [own];
};

const MAC = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.platform ?? '');
const NAMES: Record<string, string> = {
  $mod: MAC ? '⌘' : 'ctrl',
  Shift: 'shift',
  Escape: 'esc',
  Enter: 'enter',
  ArrowDown: '↓',
  ArrowUp: '↑',
  ArrowLeft: '←',
  ArrowRight: '→',
};

/** A key as it is shown: `ctrl+k`, `g h`, `?`. */
export const shownKey = (key: string): string =>
  key
    .split(' ')
    .map((press) =>
      press
        .replace('[Shift]+', '')
        .replace(/^Shift\+([A-Z])$/, (_, letter: string) => letter)
        .split('+')
        .map((part) => NAMES[part] ?? part)
        .join('+'),
    )
    .join(' ');

/** Where there is nothing but fingers, keys are only in the way. */
const TOUCH = matchMedia('(hover: none) and (pointer: coarse)').matches;

/** A command's first key as it is shown; empty where it has none, and on touch. */
export const keyOf = (name: KeyName): string => {
  const [key] = TOUCH ? [] : keysOf(name);
  return key === undefined ? '' : shownKey(key);
};

/** Does a command; false leaves the key to another handler. */
type Handler = (event: KeyboardEvent) => unknown;

/** Where a handler belongs: of those that are there, the one of the upper level answers first. */
const LEVELS = { shell: 0, place: 1, form: 2, panel: 3, dialog: 4 } as const;
type Level = keyof typeof LEVELS;

interface Added {
  run: Handler;
  /** The layer over the page that it belongs to; 0 for the page itself. */
  modal: number;
  level: number;
}

/** The handlers of each command, the one that answers first last; within a level that is the latest. */
const handlers = new Map<KeyName, readonly Added[]>();

/** How many layers lie over the page; handlers below the uppermost one rest. */
let layers = 0;

/** Handlers of dialogs that are added from now on belong to a new layer, until the returned function is called. */
export function raiseLayer(): () => void {
  layers++;
  return () => layers--;
}

/** Adds a handler of a command. A handler that returns false leaves the key to the one below it. */
export function onKey(name: KeyName, run: Handler, level: Level = 'place'): () => void {
  const own: Added = { run, modal: level === 'dialog' ? layers : 0, level: LEVELS[level] };
  const all = [...(handlers.get(name) ?? []), own];
  // A place may be drawn before the shell, and a list filled after a form opened: the order of adding says nothing.
  handlers.set(
    name,
    all.toSorted((a, b) => a.modal - b.modal || a.level - b.level),
  );
  return () => {
    handlers.set(
      name,
      (handlers.get(name) ?? []).filter((other) => other !== own),
    );
  };
}

/** Handles a command while the component is there. */
export function useKey(name: KeyName, run: Handler, active = true, level: Level = 'place'): void {
  const latest = useRef(run);
  latest.current = run;
  // Before the next key can be pressed.
  useLayoutEffect(
    () => (active ? onKey(name, (event) => latest.current(event), level) : undefined),
    [name, active, level],
  );
}

/** Does a command, as its key would; false where nothing handles it. */
export function press(name: KeyName, event: KeyboardEvent = new KeyboardEvent('keydown')): boolean {
  for (const { run, modal } of (handlers.get(name) ?? []).toReversed()) {
    if (modal < layers) continue;
    if (run(event) !== false) return true;
  }
  return false;
}

/** Whether the page has a handler of a command at this moment. */
export const isOffered = (name: KeyName): boolean => (handlers.get(name)?.length ?? 0) > 0;

/** Elements that take text. */
export const BOX = 'textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])';

const inBox = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || target.matches(BOX));

const isButton = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.matches('button, summary');

/** Whether a press does what the browser does with it on the element that has the focus. */
const isNative = ({ key, target }: KeyboardEvent): boolean =>
  target instanceof HTMLElement &&
  ((key === 'Enter' && target.matches('a, button, summary, [role=button], [role=tab], [role=menuitem]')) ||
    (key.startsWith('Arrow') && target.matches('[type=radio], select, [role=tab], [role=menuitem], [role=slider]')));

/** Whether AltGr is held, which types a sign; Windows calls it ctrl and alt. */
const isAltGr = (event: KeyboardEvent): boolean =>
  (event.ctrlKey && event.altKey) || event.getModifierState('AltGraph');

/** Whether a press means a command and not text. A modifier or Escape means a command in a box too. */
const isCommand = (event: KeyboardEvent): boolean =>
  !event.isComposing &&
  !event.defaultPrevented &&
  (event.key === 'Escape' ||
    ((event.ctrlKey || event.metaKey) && event.key !== 'z' && !isAltGr(event)) ||
    (!inBox(event.target) && !isNative(event)));

/** A key that is held down goes on through a list, and does nothing else again. */
const REPEATED: ReadonlySet<KeyName> = new Set(['next', 'previous', 'first', 'last']);

/** The presses that a key is found by: each keyboard has its own modifiers for signs and digits. */
function pressesOf(key: string): string[] {
  const sign = key.replace('[Shift]+', '');
  if (sign.length !== 1 || /[a-z]/i.test(sign)) return [key];
  const withShift = `[Shift]+${sign}`;
  // On a Mac, alt is what AltGr is elsewhere.
  return [withShift, `AltGraph+${withShift}`, ...(MAC ? [`Alt+${withShift}`] : [])];
}

/** How many sequences have been typed; the library would go on with the other ones that begin with the same key. */
const typed = signal(0);

const bindings = computed(() => {
  typed.value;
  const all = (Object.keys(KEYS) as KeyName[]).flatMap((name) => keysOf(name).map((key) => ({ name, key })));
  // Sequences first: the second key of one is not a command of its own.
  const presses = ({ key }: { key: string }) => key.split(' ').length;
  const map: Record<string, (event: KeyboardEvent) => void> = {};
  for (const { name, key } of all.toSorted((a, b) => presses(b) - presses(a)))
    for (const one of pressesOf(key))
      map[one] = (event) => {
        if (!isCommand(event)) return;
        // The next row is another thing to decide: it needs a press of its own.
        if (event.repeat && !REPEATED.has(name)) {
          event.preventDefault();
          return;
        }
        if (key.includes(' ')) typed.value++;
        if (press(name, event)) event.preventDefault();
        else if (WRITES.has(name) && layers === 0)
          unheard.value = `Nothing here answers “${shownKey(key)}” (${KEYS[name].does}). ${GOES_ON}`;
      };
  return createKeybindingsHandler(map, { ignore: ({ isComposing }) => isComposing });
});

/** Commands that open a box: what is typed after one of them is text, also where the box did not open. */
const WRITES: ReadonlySet<KeyName> = new Set(['filter', 'write', 'new-agent', 'new-ticket', 'reply', 'deny']);

/** Why the keys do nothing: what is typed was meant for a box that is not there. Null while keys are commands. */
export const unheard = signal<string | null>(null);

/** Keys are commands again. */
export function hear(): void {
  unheard.value = null;
}

const GOES_ON = 'What you type now does nothing; Escape goes on.';

const MODIFIERS: ReadonlySet<string> = new Set(['Shift', 'Control', 'Alt', 'AltGraph', 'Meta', 'CapsLock']);

/** Whether a press types or deletes a character where there is a box. */
const isText = (event: KeyboardEvent): boolean =>
  event.isComposing ||
  ((event.key.length === 1 || ['Backspace', 'Delete', 'Dead', 'Process'].includes(event.key)) &&
    ((!event.ctrlKey && !event.metaKey && !event.altKey) || isAltGr(event)));

/** The box in which the last press wrote; null after any other press. */
let writing: HTMLElement | null = null;

const isGone = (box: HTMLElement): boolean => !box.isConnected || box.matches(':disabled');

/**
 * Keeps text from being taken as commands: what is typed after a box went that was being written in, because its thing
 * was decided elsewhere or expired, and after a command whose box did not open. Enter ends the text, Escape too; a
 * click, a box or any other key means something else.
 */
function keepText(event: KeyboardEvent): void {
  if (MODIFIERS.has(event.key)) return;
  const text = isText(event);
  const box = inBox(event.target) ? (event.target as HTMLElement) : null;
  if (text && box === null && writing !== null && isGone(writing))
    unheard.value = `The box you were writing in is gone: its thing was decided or has expired. ${GOES_ON}`;
  writing = text ? box : null;
  if (unheard.peek() === null) return;
  if (box === null && (text || event.key === 'Enter' || event.key === 'Escape')) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
  if (box !== null || !text) hear();
}

/** Listens to the keyboard. */
export function followKeys(): void {
  // Before any other handler.
  addEventListener('keydown', keepText, true);
  addEventListener(
    'pointerdown',
    () => {
      writing = null;
      hear();
    },
    true,
  );
  addEventListener('keydown', (event) => {
    // The browser presses a button again and again while enter is held: the next press would send what is held.
    if (event.key === 'Enter' && event.repeat && isButton(event.target)) event.preventDefault();
    bindings.peek()(event);
  });
}
