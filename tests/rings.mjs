// Chooses the classes of the long ring that prove what a change touched (tests/long.map).
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

/** Reads the map: [{ place, classes }], the place `*` being the sample for an unknown change. */
export function readMap(file) {
  return fs
    .readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter(Boolean)
    .map((line) => {
      const [place, ...classes] = line.split(/\s+/);
      return { place, classes };
    });
}

/** The files changed since a commit, or since the merge base with the branch that is merged into; undefined if there is
 * no such commit. */
export function changedFiles(root, base) {
  const git = (...args) =>
    execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const head = git('rev-parse', 'HEAD');
    const from = base ? git('rev-parse', `${base}^{commit}`) : git('merge-base', 'HEAD', 'origin/HEAD');
    const files = git('diff', '--name-only', from).split('\n').filter(Boolean);
    // A clone of the very commit has no base.
    return from === head && files.length === 0 ? undefined : files;
  } catch {
    return undefined;
  }
}

/** The classes for changed files; for an unknown change, and for a changed file of no place, the sample. */
export function choose(map, changed) {
  const chosen = new Set();
  const add = (line) => {
    for (const name of line.classes) chosen.add(name);
  };
  const sample = map.filter((line) => line.place === '*');
  for (const file of changed ?? ['']) {
    const lines = map.filter((line) => file.startsWith(`${line.place}/`) || file === line.place);
    const named = map.flatMap((line) => line.classes).filter((name) => file.endsWith(`/${name.split('.').at(-1)}.cs`));
    for (const name of named) chosen.add(name);
    for (const line of lines.length > 0 ? lines : sample) add(line);
  }
  return [...chosen];
}
