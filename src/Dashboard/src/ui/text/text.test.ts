import { describe, expect, test } from 'vitest';
import { plainLine } from './ansi';
import { bodyFault, utf8Bytes } from './bytes';
import { addressed, completions, nameBeingTyped } from '../../features/messages/addressed';
import { beginning, splitAtRefs } from '../../features/files/refs';
import { age, bytesText, clock, until } from './time';

describe('references', () => {
  const refs = (text: string, ...list: string[]) => splitAtRefs(text, list).map((p) => (p.ref ? `[${p.text}]` : p.text)).join('');

  test('every occurrence becomes a link, and nothing else', () => {
    expect(refs('see /shared/a, then /shared/a again', '/shared/a')).toBe('see [/shared/a], then [/shared/a] again');
  });

  test('the longest wins where two begin at one place', () => {
    expect(refs('/shared/a.md.old /shared/a.md', '/shared/a.md', '/shared/a.md.old')).toBe('[/shared/a.md.old] [/shared/a.md]');
  });

  test('a name may hold what ends a path in a text', () => {
    expect(refs('Your reminder is in /agents/a/state/my notes (1), [b].md (8 bytes).', '/agents/a/state/my notes (1), [b].md', '/agents/a/state/my')).toBe(
      'Your reminder is in [/agents/a/state/my notes (1), [b].md] (8 bytes).',
    );
  });

  test('the leftmost goes first and is not cut by one inside it', () => {
    expect(refs('/x/shared/b', '/shared/b', '/x/shared')).toBe('[/x/shared]/b');
  });

  test('without references, or with empty ones, the text stays whole', () => {
    expect(splitAtRefs('plain', [])).toEqual([{ text: 'plain', ref: false }]);
    expect(splitAtRefs('plain', [''])).toEqual([{ text: 'plain', ref: false }]);
    expect(splitAtRefs('', ['/a'])).toEqual([]);
  });

  test('a long text is cut between words, and never within a character', () => {
    expect(beginning('see /shared/plan.md now', 23)).toBe('see /shared/plan.md now');
    expect(beginning('see /shared/plan.md now', 20)).toBe('see /shared/plan.md');
    expect(beginning('see /shared/plan.md now', 19)).toBe('see /shared/plan.md');
    expect(beginning('see /shared/plan.md now', 18)).toBe('see');
    expect(beginning('x'.repeat(50), 10)).toBe('x'.repeat(10));
    expect(beginning('🐝'.repeat(50), 5)).toBe('🐝🐝');
  });

  test('the pieces together are the text', () => {
    const text = '<b>/shared/a</b>&amp;/shared/a/shared/ab';
    expect(splitAtRefs(text, ['/shared/a', '/shared/ab']).map((p) => p.text).join('')).toBe(text);
  });
});

describe('recipients', () => {
  test.each([
    ['@alice hello there', { to: 'alice', body: 'hello there' }],
    ['  @* all of you', { to: '*', body: 'all of you' }],
    ['@alice\nline two', { to: 'alice', body: 'line two' }],
    ['@alice', { to: 'alice', body: '' }],
    ['mail me@home', null],
    ['@Alice hi', null],
    ['@alice, hi', null],
    ['@*x hi', null],
  ])('%j', (text, expected) => expect(addressed(text)).toEqual(expected));

  test('a name is being typed only while the caret is in it', () => {
    expect(nameBeingTyped('@al', 3)).toBe('al');
    expect(nameBeingTyped('@AL', 3)).toBe('al');
    expect(nameBeingTyped('@', 1)).toBe('');
    expect(nameBeingTyped('@al hello', 9)).toBeNull();
    expect(nameBeingTyped('hello @al', 9)).toBeNull();
  });

  test('those that begin with it come first, everyone last', () => {
    expect(completions('', ['bob', 'alice'])).toEqual(['alice', 'bob', '*']);
    expect(completions('al', ['vidal', 'alice', 'bob'])).toEqual(['alice', 'vidal']);
    expect(completions('*', ['bob'])).toEqual(['*']);
    expect(completions('x', ['bob'])).toEqual([]);
  });
});

describe('bodies', () => {
  test('are counted in bytes of UTF-8', () => {
    expect(utf8Bytes('aä€🐝')).toBe(10);
    expect(bodyFault('ä'.repeat(2048))).toBeNull();
    expect(bodyFault('ä'.repeat(2049))).toContain('4098 bytes, 2 more than the 4096');
  });

  test('say what they are', () => expect(bodyFault('x'.repeat(4097), 'an answer')).toContain('an answer may have'));

  test('empty ones, NUL and half characters are named', () => {
    expect(bodyFault(' \n')).toContain('nothing');
    expect(bodyFault('a\0b')).toContain('NUL');
    expect(bodyFault('a\uD800b')).toContain('surrogate');
    expect(bodyFault('\uDC00')).toContain('surrogate');
    expect(bodyFault('🐝🐝')).toBeNull();
  });
});

describe('times', () => {
  const now = Date.parse('2026-05-01T12:00:00Z');

  test.each([
    [-5, '0s'],
    [59, '59s'],
    [60, '1m'],
    [3599, '59m'],
    [3600, '1h'],
    [86_400 * 3, '3d'],
  ])('%d s are %s', (seconds, text) => expect(age(new Date(now - seconds * 1000).toISOString(), now)).toBe(text));

  test.each([
    [0, null],
    [-5, null],
    [0.2, '1s'],
    [59, '59s'],
    [60, '1m 00s'],
    [245, '4m 05s'],
    [3600, '1h 00m'],
    [3 * 3600 + 12 * 60, '3h 12m'],
    [86_400 * 2 + 3600 * 4 + 59, '2d 4h'],
  ])('%d s ahead are %s', (seconds, text) => expect(until(new Date(now + seconds * 1000).toISOString(), now)).toBe(text));

  test('another day carries its date', () => {
    expect(clock(new Date(now).toISOString(), now)).toMatch(/^\d\d:\d\d:\d\d$/);
    expect(clock(new Date(now - 3 * 86_400_000).toISOString(), now)).toMatch(/^\d\d-\d\d \d\d:\d\d:\d\d$/);
  });

  test('sizes', () => expect([5, 2048, 3 << 20, 3 * 2 ** 30].map(bytesText)).toEqual(['5 B', '2.0 KiB', '3.0 MiB', '3.0 GiB']));
});

describe('lines of a terminal', () => {
  test.each([
    ['plain ⚠ text', 'plain ⚠ text'],
    ['\u001b[1;31merror\u001b[0m: no', 'error: no'],
    ['\u001b]8;;https://example.org\u001b\\link\u001b]8;;\u0007', 'link'],
    ['\u001b(Bdone\u001b7', 'done'],
    ['10 %\r20 %\r\u001b[K30 %', '30 %'],
    ['with its end\r', 'with its end'],
    ['a\tb\u0007\u0000c', 'a\tbc'],
    ['cut off\u001b[', 'cut off'],
    ['', ''],
  ])('%j', (line, plain) => expect(plainLine(line)).toBe(plain));
});
