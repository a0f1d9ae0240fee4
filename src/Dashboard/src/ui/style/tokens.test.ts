import { expect, test } from 'vitest';
import tokens from './tokens.css?raw';

const sheets = import.meta.glob<string>(['../../**/*.css', '!./tokens.css'], {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** Both values of each token that has two. */
const colours = new Map(
  [...tokens.matchAll(/--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(
    ([, name = '', light = '', dark = '']) => [name, { light, dark }] as const,
  ),
);

/** Relative luminance (WCAG 2.2). */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].toSorted((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

const GROUNDS = ['ground', 'surface-1', 'surface-2', 'surface-3'];

test.each([
  ['text', 10],
  ['dim', 5],
  ['faint', 4],
  ['accent', 5],
  ['waiting', 5],
  ['peer', 5],
  ['info', 5],
  ['good', 5],
  ['bad', 5],
  ['warn', 5],
  ['control', 3],
])('%s has enough contrast on every ground of both themes', (name, least) => {
  const token = colours.get(name);
  expect(token).toBeDefined();
  if (token === undefined) return;
  for (const ground of GROUNDS)
    for (const theme of ['light', 'dark'] as const)
      expect(
        contrast(token[theme], colours.get(ground)?.[theme] ?? ''),
        `${theme}, on ${ground}`,
      ).toBeGreaterThanOrEqual(least);
});

/** The values that only the tokens may name. */
const BANNED: readonly [RegExp, string][] = [
  [/#[0-9a-f]{3,8}\b/i, 'a colour'],
  [/\b(?:rgb|hsl|oklch)a?\(/, 'a colour'],
  [/font-size: *[0-9.]/, 'a text size'],
  [/font-weight: *[0-9b]/, 'a weight'],
  [/border-radius: *[1-9]/, 'a radius'],
  [/(?:animation|transition)[^;]*\b[0-9.]+m?s\b/, 'a duration'],
];

test('nothing but the tokens names a colour, a size, a radius or a duration', () => {
  expect(Object.keys(sheets).length).toBeGreaterThan(15);
  const named = Object.entries(sheets).flatMap(([path, sheet]) =>
    sheet
      .replace(/\/\*[\s\S]*?\*\//g, '')
      .split('\n')
      .flatMap((line) =>
        BANNED.filter(([what]) => what.test(line)).map(([, what]) => `${path}: ${what}: ${line.trim()}`),
      ),
  );
  expect(named).toEqual([]);
});
