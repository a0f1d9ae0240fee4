import { describe, expect, test } from 'vitest';
import { plainLine } from './ansi';
import { bodyFault, utf8Bytes } from './bytes';
import { age, bytesText, clock, until } from './time';

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
  ])('%d s ahead are %s', (seconds, text) =>
    expect(until(new Date(now + seconds * 1000).toISOString(), now)).toBe(text),
  );

  test('another day carries its date', () => {
    expect(clock(new Date(now).toISOString(), now)).toMatch(/^\d\d:\d\d:\d\d$/);
    expect(clock(new Date(now - 3 * 86_400_000).toISOString(), now)).toMatch(/^\d\d-\d\d \d\d:\d\d:\d\d$/);
  });

  test('sizes', () =>
    expect([5, 2048, 3 << 20, 3 * 2 ** 30].map(bytesText)).toEqual(['5 B', '2.0 KiB', '3.0 MiB', '3.0 GiB']));
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
