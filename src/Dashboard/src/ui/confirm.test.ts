import { expect, test } from 'vitest';
import { LEAVE } from './confirm';

/** The source of every component. */
const sources = import.meta.glob<string>('../**/*.tsx', { query: '?raw', import: 'default', eager: true });

test('the confirming button never has the label of the way back', () => {
  const yes = Object.entries(sources).flatMap(([path, source]) =>
    [...source.matchAll(/\byes: ([^\n;]+?),?(?: \})?\n/g)].map(([, label]) => `${path}: ${label}`),
  );
  const asked = Object.values(sources).flatMap((source) => [...source.matchAll(/\bconfirm(?:=\{|: )\{/g)]);
  expect(asked.length).toBeGreaterThanOrEqual(9);
  expect(yes.filter((label) => /: '/.test(label)).length).toBe(asked.length);
  expect(yes.filter((label) => label.includes(LEAVE))).toEqual([]);
});
