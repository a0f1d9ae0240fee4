import { expect, test } from 'vitest';

/** The source of every component. */
const sources = import.meta.glob<string>('../**/*.{ts,tsx}', { query: '?raw', import: 'default', eager: true });

test('the two buttons of a confirmation repeat their verb and never have one label', () => {
  const asked = Object.entries(sources).flatMap(([path, source]) =>
    [...source.matchAll(/\byes: ([^\n]+?),?\s+no: ([^\n]+?),?(?: \}|\n)/g)].map(([, yes = '', no = '']) => ({
      path,
      yes,
      no,
    })),
  );
  const confirmations = Object.values(sources).flatMap((source) => [...source.matchAll(/\bconfirm(?:=\{|: )\{/g)]);
  expect(confirmations.length).toBeGreaterThanOrEqual(4);
  expect(asked.length).toBeGreaterThanOrEqual(confirmations.length);
  for (const { path, yes, no } of asked) {
    expect(yes, path).not.toBe(no);
    expect(yes, path).toMatch(/[A-Z][a-z]+/);
    expect(yes, path).not.toMatch(/[A-Z][0-9]|[0-9][A-Z]/);
    expect(no, path).toMatch(/[A-Z][a-z]+/);
  }
});
