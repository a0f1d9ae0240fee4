import { expect, test } from 'vitest';
import { fitting } from './fuzzy';

const found = (typed: string, ...titles: string[]) => fitting(titles, typed, (title) => [title, `beside ${title}`], 50);

test('a text as it is typed comes before its words, and words before their letters', () => {
  expect(found('log in', 'Loose ends, listed in long', 'Agent in a log', 'Log in alice')).toEqual([
    'Log in alice',
    'Agent in a log',
    'Loose ends, listed in long',
  ]);
});

test('letters are found in their order, first where words begin', () => {
  expect(found('gtb', 'The gate of a table', 'Go to the board', 'Reboot')).toEqual([
    'Go to the board',
    'The gate of a table',
  ]);
  expect(found('aplcv', 'approve alice', 'place')).toEqual([]);
});

test('case and accents do not count, and the shortest of equal ones is first', () => {
  expect(found('café', 'The cafes', 'CAFE', 'Cafe noir')).toEqual(['CAFE', 'Cafe noir', 'The cafes']);
});

test('every word has to fit, in the title or beside it', () => {
  expect(found('alice beside', 'Stop alice', 'Stop bob')).toEqual(['Stop alice']);
  expect(found('alice nowhere', 'Stop alice')).toEqual([]);
});

test('only so many are returned', () => {
  expect(fitting(['a1', 'a2', 'a3'], 'a', (title) => [title, ''], 2)).toEqual(['a1', 'a2']);
});
