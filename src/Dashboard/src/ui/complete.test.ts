import { expect, test } from 'vitest';
import { completed, completion, matching } from './complete';
import type { Completer } from './completer';

const of = (names: string[]) => (word: string) =>
  matching(word, names, (name) => name).map((name) => ({ name, shown: name, hint: '' }));
const agents: Completer = { label: 'Agents', begins: /^@/, offers: of(['@alice', '@albert', '@vidal']) };
const commands: Completer = {
  label: 'Commands',
  begins: /^\/[a-z]*$/,
  first: true,
  offers: of(['/cancel', '/compact']),
};
const files: Completer = { label: 'Files', begins: /^\/shared\//, offers: of(['/shared/plan.md']) };

const offered = (text: string, caret = text.length) => {
  const found = completion(text, caret, [agents, commands, files]);
  return found === null ? null : [found.label, found.from, ...found.shown.map(({ name }) => name)];
};

test.each([
  ['@', ['Agents', 0, '@alice', '@albert', '@vidal']],
  ['tell @al', ['Agents', 5, '@alice', '@albert']],
  ['@alice', null],
  ['@alice ', null],
  ['me@al', null],
  ['/c', ['Commands', 0, '/cancel', '/compact']],
  ['\n /co', ['Commands', 2, '/compact']],
  ['not /c', null],
  ['see /shared/p', ['Files', 4, '/shared/plan.md']],
  ['', null],
])('%j', (text, expected) => expect(offered(text)).toEqual(expected));

test('a word that is a name itself is not completed unasked', () => {
  const workers: Completer = { label: 'Agents', begins: /^@/, offers: of(['@worker', '@worker-2']) };
  const numbers: Completer = {
    label: 'Messages',
    begins: /^#/,
    whole: (word) => /^#\d+$/.test(word),
    offers: of(['#420', '#1']),
  };
  const first = (text: string) => completion(text, text.length, [workers, numbers])?.first;
  expect([first('@worke'), first('@worker'), first('@worker-')]).toEqual([0, -1, 0]);
  expect([first('please close #42'), first('see #')]).toEqual([-1, 0]);
});

test('the word at the caret is completed, not the last one', () => {
  expect(offered('@al and more', 3)).toEqual(['Agents', 0, '@alice', '@albert']);
  const offer = { name: '@alice', shown: '', hint: '' };
  expect(completed('@al and more', 3, 0, offer)).toEqual({ text: '@alice and more', caret: 7 });
  expect(completed('tell @al', 8, 5, offer)).toEqual({ text: 'tell @alice ', caret: 12 });
});

test('names that begin with the letters go before those that contain them', () =>
  expect(matching('al', ['vidal', 'alice'], (name) => name)).toEqual(['alice', 'vidal']));
