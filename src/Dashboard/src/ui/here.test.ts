import { afterEach, expect, test, vi } from 'vitest';
import { decidedHere, isFree, writtenIn } from './here';

interface Fake {
  matches: (selector: string) => boolean;
  closest: (selector: string) => unknown;
  value?: string;
}

/** An element of an area; a box has a value. */
const element = (area: string, value?: string): Fake => ({
  matches: (selector) => (value === undefined ? selector === area : selector.includes('textarea')),
  closest: (selector) => (selector === area ? {} : null),
  ...(value === undefined ? {} : { value }),
});

const focus = (activeElement: Fake | null) => vi.stubGlobal('document', { activeElement });

afterEach(() => {
  vi.unstubAllGlobals();
});

test('the focus goes on from where it was decided, and from nowhere', () => {
  const row = element('#place');
  focus(row);
  const isHere = decidedHere('#place');
  expect(isHere()).toBe(true);
  focus(element('body'));
  expect(isHere()).toBe(true);
  focus(element('.toasts'));
  expect(isHere()).toBe(false);
});

test('the focus stays in a box that is written in since', () => {
  focus(element('#place'));
  const isHere = decidedHere('#place');
  focus(element('#place', ''));
  expect([isHere(), isFree('#place')]).toEqual([false, false]);
});

test('the focus leaves the box of the decision, unless more was typed there', () => {
  const box = element('#place', 'too broad');
  focus(box);
  const isHere = decidedHere('#place');
  expect(isHere()).toBe(true);
  box.value = 'too broad, and';
  expect(isHere()).toBe(false);
  box.value = '';
  expect(isHere()).toBe(true);
});

test('only a box of an area has a text there', () => {
  focus(element('#place', 'a code'));
  expect([writtenIn('#place'), writtenIn('.toasts')]).toEqual(['a code', null]);
  focus(element('#place'));
  expect(writtenIn('#place')).toBeNull();
});
