import { beforeAll, expect, test } from 'vitest';
import { applyPreferences } from './preferences';

/** What the page's listener gets. */
interface Typed {
  key: string;
  code: string;
  target: object | null;
}

let type: (key: string, more?: Partial<Typed> & { shift?: boolean; ctrl?: boolean; repeat?: boolean }) => boolean;
let keys: typeof import('./keys');

class Box {
  isContentEditable = false;
  constructor(private readonly tag: string) {}
  matches = (selector: string): boolean => selector.split(',').some((one) => one.trim().startsWith(this.tag));
}

beforeAll(async () => {
  let listener: (event: unknown) => void = () => {};
  const globals = {
    HTMLElement: Box,
    addEventListener: (_: string, handler: typeof listener) => {
      listener = handler;
    },
  };
  for (const [name, value] of Object.entries(globals))
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  keys = await import('./keys');
  keys.followKeys();
  type = (key, { shift = false, ctrl = false, repeat = false, target = null } = {}) => {
    let prevented = false;
    listener({
      key,
      code: `Key${key.toUpperCase()}`,
      target,
      ctrlKey: ctrl,
      metaKey: false,
      isComposing: false,
      repeat,
      defaultPrevented: false,
      getModifierState: (name: string) => (name === 'Shift' && shift) || (name === 'Control' && ctrl),
      preventDefault: () => {
        prevented = true;
      },
    });
    return prevented;
  };
});

/** The commands that typing something does. */
function done(typing: () => void, ...names: Parameters<typeof keys.onKey>[0][]): string[] {
  const seen: string[] = [];
  const forget = names.map((name) => keys.onKey(name, () => void seen.push(name)));
  typing();
  for (const one of forget) one();
  return seen;
}

test('a sequence is one command, and its second key none of its own', () => {
  expect(
    done(
      () => {
        type('g');
        type('c');
        type('s');
      },
      'go-changes',
      'go-stats',
      'write',
      'later',
    ),
  ).toEqual(['go-changes', 'later']);
});

test('a key with shift is found on any keyboard', () => {
  expect(done(() => type('?', { shift: true }), 'keys')).toEqual(['keys']);
  expect(done(() => type('G', { shift: true }), 'last')).toEqual(['last']);
});

test('single keys are text in a box; a modifier and Escape are commands there too', () => {
  const box = new Box('textarea');
  const typing = () => {
    for (const key of ['a', 'j', '/']) type(key, { target: box });
    type('k', { ctrl: true, target: box });
    type('Escape', { target: box });
  };
  expect(done(typing, 'approve', 'next', 'filter', 'palette', 'back')).toEqual(['palette', 'back']);
});

test('a key that is held down moves on, and decides only once', () => {
  const typing = () => {
    for (const key of ['a', 'd', 'e', 'j', 'Enter']) for (const repeat of [false, true, true]) type(key, { repeat });
  };
  expect(done(typing, 'approve', 'deny', 'done', 'next', 'open')).toEqual([
    'approve',
    'deny',
    'done',
    'next',
    'next',
    'next',
    'open',
  ]);
});

test('a handler that does not want the key leaves it to the one below', () => {
  const seen: string[] = [];
  const forget = [
    keys.onKey('done', () => void seen.push('below')),
    keys.onKey('done', () => {
      seen.push('above');
      return false;
    }),
  ];
  expect(type('e')).toBe(true);
  for (const one of forget) one();
  expect(seen).toEqual(['above', 'below']);
  expect(type('e')).toBe(false);
});

test('below a dialog the page’s keys rest', () => {
  const seen: string[] = [];
  const forget = [keys.onKey('next', () => void seen.push('page'))];
  const lower = keys.raiseLayer();
  type('j');
  forget.push(keys.onKey('next', () => void seen.push('dialog')));
  type('j');
  lower();
  for (const one of forget) one();
  expect(seen).toEqual(['dialog']);
});

test('a key can be changed and switched off', () => {
  applyPreferences({ keys: { done: 'm', later: '' } });
  expect(
    done(
      () => {
        for (const key of ['e', 'm', 's']) type(key);
      },
      'done',
      'later',
    ),
  ).toEqual(['done']);
  expect(keys.keyOf('done')).toBe('m');
  expect(keys.keyOf('later')).toBe('');
  applyPreferences({ keys: {} });
});

test('no key means two commands', () => {
  const all = (Object.keys(keys.KEYS) as (keyof typeof keys.KEYS)[]).flatMap((name) => keys.keysOf(name));
  expect(new Set(all).size).toBe(all.length);
});
