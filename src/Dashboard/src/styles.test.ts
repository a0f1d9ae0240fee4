import { expect, test } from 'vitest';

const styles = import.meta.glob<string>('./**/*.css', { query: '?raw', import: 'default', eager: true });
const views = import.meta.glob<string>('./**/*.tsx', { query: '?raw', import: 'default', eager: true });

const featureOf = (path: string): string | null => /^\.\/features\/([^/]+)\//.exec(path)?.[1] ?? null;

/** The selectors of a sheet's outermost blocks. */
function outermost(sheet: string): string[] {
  const selectors: string[] = [];
  let [depth, from] = [0, 0];
  const text = sheet.replace(/\/\*[\s\S]*?\*\//g, '').replace(/@import [^;]*;/g, '');
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '{' && depth++ === 0) selectors.push(text.slice(from, at).trim());
    if (text[at] === '}' && --depth === 0) from = at + 1;
  }
  return selectors;
}

/** The classes that a sheet has rules for, without the root of its feature. */
const classesOf = (sheet: string): Set<string> =>
  new Set(
    [...sheet.replace(/\/\*[\s\S]*?\*\//g, '').matchAll(/\.([a-z][a-z0-9-]*)(?=[^{};]*\{)/g)].map(
      ([, name]) => name ?? '',
    ),
  );

test('a feature’s style sheet applies below the feature’s root only', () => {
  const sheets = Object.entries(styles).filter(([path]) => featureOf(path) !== null);
  expect(sheets.length).toBeGreaterThan(8);
  for (const [path, sheet] of sheets)
    expect(outermost(sheet), path).toEqual([`:where(.feature-${featureOf(path) ?? ''})`]);
});

test('no feature uses a class that only another feature styles', () => {
  const own = new Map<string, Set<string>>();
  const shared = new Set<string>();
  for (const [path, sheet] of Object.entries(styles)) {
    const feature = featureOf(path);
    for (const name of classesOf(sheet)) {
      if (feature === null) shared.add(name);
      else own.set(name, new Set([...(own.get(name) ?? []), feature]));
    }
  }
  const foreign = Object.entries(views).flatMap(([path, source]) => {
    const feature = featureOf(path);
    if (feature === null) return [];
    // Of a class that is put together, the parts that are always there.
    const used = [...source.matchAll(/class=(?:"([^"]*)"|\{`([^`]*)`\})/g)].flatMap(([, plain, built]) =>
      (plain ?? built ?? '').replace(/\$\{[^}]*\}/g, ' ').split(/\s+/),
    );
    return used
      .filter((name) => !shared.has(name) && own.has(name) && own.get(name)?.has(feature) === false)
      .map((name) => `${path}: ${name}`);
  });
  expect(foreign).toEqual([]);
});
