/** The number of letters to add, remove or replace to make one text of the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)),
      );
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The known text that a mistyped one most likely means; null where none is near. */
export function near(typed: string, known: readonly string[]): string | null {
  const text = typed.toLowerCase().slice(0, 100);
  const ranked = known
    .map((name) => ({ name, far: distance(text, name.toLowerCase()) }))
    .filter(({ name, far }) => far <= Math.max(2, name.length / 3))
    .toSorted((a, b) => a.far - b.far);
  return ranked[0]?.name ?? null;
}

/** The known address, with the rest of the path, that a mistyped one most likely means: `/agent/alice`. */
export function nearAddress(path: string, known: readonly string[]): string | null {
  const [first = '', ...rest] = path.split('/').slice(1);
  const place = near(`/${first}`, known);
  // The overview has nothing below it.
  if (place === null || rest.length === 0 || place === '/') return rest.length === 0 ? place : null;
  return [place, ...rest].join('/');
}
