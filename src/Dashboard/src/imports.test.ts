import { expect, test } from 'vitest';

/** The source of every module of the page, without tests and their helpers. */
const sources = Object.fromEntries(
  Object.entries(
    import.meta.glob<string>(['./**/*.ts', './**/*.tsx', '!./**/*.test.ts', '!./test/**', '!./generated/**'], {
      query: '?raw',
      import: 'default',
      eager: true,
    }),
  ).map(([path, source]) => [path.slice(2), source]),
);

/** Layers from the lowest to the highest: a module imports from its own layer and from lower ones. */
const LAYERS = ['api', 'stream', 'ui', 'features', 'tabs', 'waiting', 'places', 'commands', 'shell'];

const layerOf = (path: string): number =>
  path.includes('/') ? LAYERS.indexOf(path.split('/')[0] ?? '') : LAYERS.length;
const featureOf = (path: string): string | null => /^features\/([^/]+)\//.exec(path)?.[1] ?? null;

/** The page's own modules that a module imports, statically or later. */
function importsOf(path: string): string[] {
  const specifiers = [...(sources[path] ?? '').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']*)'/g)].map(
    ([, to]) => to ?? '',
  );
  return specifiers.filter((to) => !/\.(css|json)$|\?url$|\/generated\//.test(to)).map((to) => resolved(path, to));
}

function resolved(from: string, to: string): string {
  const target = new URL(to, `file:///${from}`).pathname.slice(1);
  const found = ['.ts', '.tsx', '/index.ts'].map((end) => target + end).find((file) => file in sources);
  if (found === undefined) throw new Error(`${from} imports ${to}, which is not a module of the page`);
  return found;
}

/** A path that ends where it begins; null in a graph without a circle. */
function circleIn(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const walk = (node: string, path: string[]): string[] | null => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return null;
    for (const next of graph.get(node) ?? []) {
      const circle = walk(next, [...path, node]);
      if (circle !== null) return circle;
    }
    done.add(node);
    return null;
  };
  for (const node of graph.keys()) {
    const circle = walk(node, []);
    if (circle !== null) return circle;
  }
  return null;
}

const modules = new Map(Object.keys(sources).map((path) => [path, importsOf(path)]));

test('modules import one another without a circle', () => {
  expect(modules.size).toBeGreaterThan(100);
  expect(circleIn(modules)).toBeNull();
});

test('a circle is found', () => {
  const graph = new Map([
    ['a', ['b']],
    ['b', ['c']],
    ['c', ['b']],
  ]);
  expect(circleIn(graph)).toEqual(['b', 'c', 'b']);
});

test('features use one another without a circle', () => {
  const uses = new Map<string, string[]>();
  for (const [path, imports] of modules) {
    const feature = featureOf(path);
    if (feature === null) continue;
    const others = imports.map(featureOf).filter((other): other is string => other !== null && other !== feature);
    uses.set(feature, [...(uses.get(feature) ?? []), ...others]);
  }
  expect(circleIn(uses)).toBeNull();
});

test('a layer imports from itself and from lower ones', () => {
  const upward = [...modules].flatMap(([path, imports]) =>
    imports.filter((to) => layerOf(to) > layerOf(path)).map((to) => `${path} → ${to}`),
  );
  expect(upward).toEqual([]);
});

/** Contributions fetch their view, and nothing else, past the feature's index: it is not part of the first script. */
const isView = (path: string, to: string): boolean =>
  /^(places|tabs|waiting)\//.test(path) && /\/(page|tab-[a-z-]+|waiting-[a-z-]+)\.tsx$/.test(to);

test('a feature is imported by its index alone', () => {
  const inside = [...modules].flatMap(([path, imports]) =>
    imports
      .filter(
        (to) =>
          featureOf(to) !== null && featureOf(to) !== featureOf(path) && !to.endsWith('/index.ts') && !isView(path, to),
      )
      .map((to) => `${path} → ${to}`),
  );
  expect(inside).toEqual([]);
});

test('the shell names each feature once, in its list', () => {
  const features = [...new Set(Object.keys(sources).map(featureOf))].filter((name) => name !== null).sort();
  const listed = [...(sources['shell/features.ts'] ?? '').matchAll(/^export \{ feature as (\w+) \}/gm)].map(
    ([, n]) => n,
  );
  expect(listed).toEqual(features);
  const named = [...modules].filter(([path, imports]) => path.startsWith('shell/') && imports.some(featureOf));
  expect(named.map(([path]) => path)).toEqual(['shell/features.ts']);
});
