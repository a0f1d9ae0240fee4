import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { address, search } from './address';
import { go, pinned, replacePath, setQuery, writeVisit } from './link';

/** The changes of the history, and the address that they lead to. */
let changes: string[];

beforeEach(() => {
  vi.useFakeTimers();
  changes = [];
  let at = new URL('http://host/agents');
  const change = (how: string) => (_: unknown, __: string, to?: string) => {
    if (to !== undefined) at = new URL(to, at);
    changes.push(`${how} ${at.pathname}${at.search}`);
  };
  vi.stubGlobal('history', { state: null, replaceState: change('replace'), pushState: change('push') });
  vi.stubGlobal('scrollY', 0);
  vi.stubGlobal('location', {
    get href() {
      return at.href;
    },
    get pathname() {
      return at.pathname;
    },
    get search() {
      return at.search;
    },
  });
  [address.value, search.value, pinned.value] = ['/agents', '', false];
});

afterEach(() => {
  writeVisit();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('a filter that is typed, or a row that a held key passes, changes the history a few times a second', () => {
  for (let i = 0; i < 30; i++) {
    setQuery({ q: 'x'.repeat(i + 1) });
    replacePath(`/changes/${i}`);
    vi.advanceTimersByTime(30);
  }
  vi.advanceTimersByTime(150);
  expect(changes.length).toBeLessThan(15);
  expect(changes.at(-1)).toBe(`replace /changes/29?q=${'x'.repeat(30)}`);
  expect([address.value, search.value]).toEqual(['/changes/29', `?q=${'x'.repeat(30)}`]);
});

test('a few changes one after another are written at once', () => {
  vi.advanceTimersByTime(60_000);
  for (const until of ['2020', '2099']) setQuery({ until });
  expect(changes).toEqual(['replace /agents?until=2020', 'replace /agents?until=2099']);
});

test('a step to another place keeps what was typed before it', () => {
  setQuery({ q: 'a' });
  setQuery({ q: 'ab' });
  go('/messages');
  expect(changes.slice(-2)).toEqual(['replace /agents?q=ab', 'push /messages']);
  expect(search.value).toBe('');
});

test('a pinned panel keeps its file, whatever its name, and adds no other member', () => {
  pinned.value = true;
  setQuery({ open: 'file:/shared/a&kind=x+y.md' });
  go('/messages?q=b');
  const query = new URLSearchParams(search.value);
  expect(Object.fromEntries(query)).toEqual({ q: 'b', open: 'file:/shared/a&kind=x+y.md' });
});
