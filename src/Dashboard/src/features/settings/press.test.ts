import { expect, test } from 'vitest';
import { pressed, taken } from './press';

const none = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };

test.each([
  [{ key: 'm' }, 'm'],
  [{ key: 'M', shiftKey: true }, 'Shift+M'],
  [{ key: '?', shiftKey: true }, '[Shift]+?'],
  [{ key: '/' }, '[Shift]+/'],
  [{ key: 'j', ctrlKey: true }, '$mod+j'],
  [{ key: '[', ctrlKey: true, altKey: true }, '[Shift]+['],
  [{ key: 'F2', shiftKey: true }, 'Shift+F2'],
  [{ key: 'Shift', shiftKey: true }, null],
])('the press of %o is written %s', (press, key) => {
  expect(pressed({ ...none, ...press })).toBe(key);
});

test('a key that means something already is refused, a free one is not', () => {
  expect(taken('j', 'done')).toBe('next');
  expect(taken('[Shift]+/', 'done')).toBe('filter');
  expect(taken('g', 'done')).toBe('go-home');
  expect(taken('u', 'done')).toBeNull();
  expect(taken('j', 'next')).toBeNull();
});
