import { describe, expect, test } from 'vitest';
import { addressed } from './addressed';

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
});
