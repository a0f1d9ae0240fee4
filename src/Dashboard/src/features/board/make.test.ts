import { expect, test } from 'vitest';
import { ticketOf, titleFault } from './make';

test('the first line of a text is the title, the others are the description', () => {
  expect(ticketOf('  Log in \n\nWith a link.\nFor a day. ')).toEqual({
    title: 'Log in',
    description: 'With a link.\nFor a day.',
  });
  expect(ticketOf('Log in')).toEqual({ title: 'Log in', description: '' });
});

test('a title over its limit is refused with its length and the way out', () => {
  expect(titleFault('x'.repeat(500))).toBeNull();
  expect(titleFault(`${'x'.repeat(501)}\nmore`)).toContain('has 501 characters, and a title has at most 500');
});
