import { describe, expect, test } from 'vitest';
import { addressed, completions, nameBeingTyped } from './addressed';

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
