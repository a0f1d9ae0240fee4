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
    const changed = git('diff', '--name-only', from);
    const added = git('ls-files', '--others', '--exclude-standard');
    const files = `${changed}\n${added}`.split('\n').filter(Boolean);
    // A clone of the very commit has no base.
    return from === head && files.length === 0 ? undefined : files;
  } catch {
    return undefined;
  }
}

const fits = (name, full) => (name.endsWith('.*') ? full.startsWith(name.slice(0, -1)) : full === name);

/** The classes for changed files; for an unknown change, and for a changed file of no place, the sample. */
export function choose(map, changed) {
  const sample = map.filter((line) => line.place === '*');
  const chosen = new Set();
  for (const file of changed ?? ['']) {
    // A changed class of the long ring proves itself.
    const full = file.startsWith('tests/') && file.endsWith('.cs') ? file.slice(6, -3).replaceAll('/', '.') : '';
    if (full && map.some((line) => line.classes.some((name) => fits(name, full)))) {
      chosen.add(full);
      continue;
    }
    const lines = map.filter((line) => file === line.place || file.startsWith(`${line.place}/`));
    for (const line of lines.length > 0 ? lines : sample) for (const name of line.classes) chosen.add(name);
  }
  const names = [...chosen];
  return names.filter((name) => !names.some((other) => other !== name && fits(other, name)));
}
