// Prints where the time of the last run went.
import fs from 'node:fs';
import path from 'node:path';

function table(title, rows) {
  process.stdout.write(`\n${title}\n`);
  for (const [name, seconds] of rows) process.stdout.write(`${seconds.toFixed(1).padStart(9)} s  ${name}\n`);
}

/** The sum of the times by a name, the largest first. */
function sums(tests, name) {
  const by = new Map();
  for (const test of tests) by.set(name(test), (by.get(name(test)) ?? 0) + test.seconds);
  return [...by].sort((a, b) => b[1] - a[1]);
}

export function printTimes(folder) {
  const files = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  const runs = files
    .filter((file) => file.endsWith('.json') && file !== 'vitest.json')
    .map((file) => JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8')));
  if (runs.length === 0) {
    process.stdout.write('no times yet: run ./test first\n');
    process.exit(2);
  }
  const tests = runs.flatMap((run) => run.tests.map((test) => ({ ...test, suite: run.suite })));
  const slowest = [...tests].sort((a, b) => b.seconds - a.seconds).slice(0, 30);
  table('The 30 slowest tests', slowest.map((test) => [test.name, test.seconds]));
  table('Sum of each class', sums(tests, (test) => test.class || test.suite));
  table('Sum of each suite', sums(tests, (test) => test.suite));
  table('Time of each suite', runs.map((run) => [run.suite, run.seconds]).sort((a, b) => b[1] - a[1]));
}
