import { beforeAll, expect, test, vi } from 'vitest';
import { applyPreferences } from './preferences';

/** The event that the page's listener gets. */
interface Typed {
  key: string;
  code: string;
  target: object | null;
}

interface Held {
  shift?: boolean;
  ctrl?: boolean;
  alt?: boolean;
  altGraph?: boolean;
  repeat?: boolean;
}

let type: (key: string, more?: Partial<Typed> & Held) => boolean;
let click: () => void;
let keys: typeof import('./keys');

class Box {
  isContentEditable = false;
  isConnected = true;
  constructor(private readonly tag: string) {}
  matches = (selector: string): boolean => selector.split(',').some((one) => one.trim().startsWith(this.tag));
}

beforeAll(async () => {
  const listeners: Record<string, ((event: unknown) => void)[]> = {};
  const globals = {
    HTMLElement: Box,
    addEventListener: (name: string, handler: (event: unknown) => void) => {
      listeners[name] = [...(listeners[name] ?? []), handler];
    },
  };
  for (const [name, value] of Object.entries(globals))
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  keys = await import('./keys');
  keys.followKeys();
  type = (key, { shift = false, ctrl = false, alt = false, altGraph = false, repeat = false, target = null } = {}) => {
    let prevented = false;
    let stopped = false;
    const event = {
      key,
      code: `Key${key.toUpperCase()}`,
      target,
      ctrlKey: ctrl,
      altKey: alt,
      metaKey: false,
      isComposing: false,
      repeat,
      defaultPrevented: false,
      getModifierState: (name: string) =>
        ({ Shift: shift, Control: ctrl, Alt: alt, AltGraph: altGraph })[name] === true,
      preventDefault: () => {
        prevented = true;
      },
      stopImmediatePropagation: () => {
        stopped = true;
      },
    };
    for (const listener of listeners.keydown ?? []) if (!stopped) listener(event);
    return prevented;
  };
  click = () => {
    for (const listener of listeners.pointerdown ?? []) listener({});
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

test('signs and digits are found whatever a keyboard needs for them', () => {
  const typing = () => {
    type('/', { shift: true });
    type('.', { shift: true });
    type('3', { shift: true });
    type('[', { altGraph: true });
    type(']', { altGraph: true, alt: true });
  };
  expect(done(typing, 'filter', 'actions', 'option', 'tab', 'panel')).toEqual([
    'filter',
    'actions',
    'option',
    'tab',
    'panel',
  ]);
});

test('a sign with ctrl or alt is another key', () => {
  const typing = () => {
    type('[', { ctrl: true });
    type('.', { alt: true });
  };
  expect(done(typing, 'tab', 'actions')).toEqual([]);
});

test('a sign of AltGr is text in a box', () => {
  const box = new Box('textarea');
  const typing = () => {
    type('[', { altGraph: true, target: box });
    type('[', { altGraph: true, ctrl: true, alt: true, target: box });
  };
  expect(done(typing, 'tab')).toEqual([]);
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

test('the upper level answers first, whichever was added first', () => {
  const seen: string[] = [];
  const forget = [
    keys.onKey('back', () => void seen.push('panel'), 'panel'),
    keys.onKey('back', () => void seen.push('place')),
    keys.onKey('back', () => void seen.push('shell'), 'shell'),
  ];
  type('Escape');
  forget.shift()?.();
  type('Escape');
  for (const one of forget) one();
  expect(seen).toEqual(['panel', 'place']);
});

test('below a dialog the page’s keys rest', () => {
  const seen: string[] = [];
  const forget = [keys.onKey('next', () => void seen.push('page'))];
  const lower = keys.raiseLayer();
  type('j');
  forget.push(keys.onKey('next', () => void seen.push('dialog'), 'dialog'));
  // A list that is filled below it.
  forget.push(keys.onKey('next', () => void seen.push('list')));
  type('j');
  lower();
  for (const one of forget) one();
  expect(seen).toEqual(['dialog']);
});

test('a key can be changed and switched off', () => {
  applyPreferences({ keys: { done: 'v', later: '' } });
  expect(
    done(
      () => {
        for (const key of ['e', 'v', 's']) type(key);
      },
      'done',
      'later',
    ),
  ).toEqual(['done']);
  expect(keys.keyOf('done')).toBe('v');
  expect(keys.keyOf('later')).toBe('');
  applyPreferences({ keys: {} });
});

test('no key means two commands', () => {
  const all = (Object.keys(keys.KEYS) as (keyof typeof keys.KEYS)[]).flatMap((name) => keys.keysOf(name));
  expect(new Set(all).size).toBe(all.length);
});

test('enter that is held down presses a button once', () => {
  const target = new Box('button');
  expect(type('Enter', { target })).toBe(false);
  expect(type('Enter', { target, repeat: true })).toBe(true);
  expect(type('Enter', { target: new Box('textarea'), repeat: true })).toBe(false);
});

const typeText = (text: string, target: object | null = null): void => {
  for (const key of text) type(key, { target });
};

test('text that is typed for a box that did not open does nothing until its end', () => {
  const typing = () => {
    // Nothing can be denied any more.
    typeText('dnot enough through');
    expect(keys.unheard.value).toContain('Deny');
    type('Enter');
    expect(keys.unheard.value).toBeNull();
    type('g');
    type('a');
  };
  const names = ['new-agent', 'open', 'turns', 'hold', 'go-home', 'go-agents', 'done', 'approve'] as const;
  expect(done(typing, ...names)).toEqual(['go-agents']);
});

test('text in a box that goes while it is written does nothing until its end', () => {
  const box = new Box('textarea');
  const typing = () => {
    typeText('too ', box);
    box.isConnected = false;
    typeText('narrow');
    expect(keys.unheard.value).toContain('gone');
    type('Escape');
    expect(keys.unheard.value).toBeNull();
    type('n');
  };
  expect(done(typing, 'new-agent', 'approve', 'open', 'back')).toEqual(['new-agent']);
});

test('a box that went with its text sent or left keeps no key from its command', () => {
  const typing = () => {
    for (const end of ['Enter', 'Escape', 'Tab']) {
      const box = new Box('textarea');
      typeText('too narrow', box);
      type(end, { target: box });
      box.isConnected = false;
      type('n');
    }
    const box = new Box('textarea');
    typeText('too narrow', box);
    click();
    box.isConnected = false;
    type('n');
  };
  expect(done(typing, 'new-agent')).toEqual(['new-agent', 'new-agent', 'new-agent', 'new-agent']);
});

test('a click, a box or another key ends what does nothing', () => {
  const ends = [
    click,
    () => type('x', { target: new Box('textarea') }),
    () => type('ArrowDown'),
    () => type('k', { ctrl: true }),
  ];
  const typing = () => {
    for (const end of ends) {
      type('r');
      type('n');
      end();
      type('n');
    }
  };
  expect(done(typing, 'next', 'palette', 'new-agent')).toEqual([
    'new-agent',
    'new-agent',
    'next',
    'new-agent',
    'palette',
    'new-agent',
  ]);
});

test('where there is only touch, no key is shown', async () => {
  expect(keys.keyOf('reply')).toBe('r');
  vi.stubGlobal('matchMedia', () => ({ matches: true }));
  vi.resetModules();
  expect((await import('./keys')).keyOf('reply')).toBe('');
  vi.unstubAllGlobals();
});
