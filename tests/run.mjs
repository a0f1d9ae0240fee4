// Runs the suites for ./test, which builds them first. docs/testing.md describes rings, names and options.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { choose, changedFiles, readMap } from './rings.mjs';
import { printTimes } from './times.mjs';

const root = path.dirname(import.meta.dirname);
const results = path.join(root, 'artifacts', 'test-results');
const strict = Boolean(process.env.HIVE_REQUIRE_ALL);
// The suites of a lane run one after another, the lanes side by side: each waits half of the time.
const lanes = [
  ['Hive.Tests'],
  ['Hive.Dashboard.Tests', 'Hive.Agent.Tests', 'Hive.ArchitectureTests', 'dashboard', 'format'],
];
// A test is named as slow once.
const slowSeconds = 120;
const roomBytes = 2 * 1024 ** 3;
// No further class of the long ring begins after this time of a run with --touched, and none ends after the second.
const touchedSeconds = 600;
const touchedEndSeconds = 900;

const total = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
const skips = [];
const running = new Map();
const begun = Date.now();
let deadline;
let scratch;
let load;
let isInterrupted = false;

function say(line = '') {
  process.stdout.write(`${line}\n`);
}

/** Every suite: the test projects, the page's own tests and the format of the sources. */
export function suites() {
  const projects = fs
    .readdirSync(path.join(root, 'tests'))
    .filter((name) => name.endsWith('Tests') && fs.existsSync(path.join(root, 'tests', name, `${name}.csproj`)));
  return [...projects, 'dashboard', 'format'];
}

/** The suite and the filter of a name: a suite, a class with or without its namespace, or `Namespace.*`. */
function selection(name) {
  const all = suites();
  if (all.includes(name)) return { suite: name };
  const owner = all.find((suite) => name.startsWith(`${suite}.`));
  if (owner) return { suite: owner, filter: name };
  const files = all
    .filter((suite) => fs.existsSync(path.join(root, 'tests', suite)))
    .filter((suite) =>
      fs
        .readdirSync(path.join(root, 'tests', suite), { recursive: true })
        .some((file) => path.basename(file) === `${name}.cs`),
    );
  return files.length === 1 ? { suite: files[0], filter: `*.${name}` } : undefined;
}

function seconds(since) {
  return (Date.now() - since) / 1000;
}

/** Starts a program whose signals are the default ones, and passes on each line of what it prints. */
function start(program, args, env, log, line, limit) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const ended = { code: 1, timedOut: false };
    const stop = (signal) => {
      try {
        process.kill(-child.pid, signal);
      } catch {
        // It has ended.
      }
    };
    running.set(child.pid, stop);
    const timer = setTimeout(() => {
      ended.timedOut = true;
      stop('SIGTERM');
      setTimeout(() => stop('SIGKILL'), 10_000).unref();
    }, Math.max(0, limit) * 1000);
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      for (const one of lines) line(one);
    });
    child.stderr.pipe(log, { end: false });
    child.on('error', (error) => log.write(`${error.message}\n`));
    const done = (code) => {
      if (!running.delete(child.pid)) return;
      clearTimeout(timer);
      if (rest) line(rest);
      ended.code = code ?? 1;
      // A program that outlives its suite may hold the pipes open, and print.
      child.stderr?.unpipe(log);
      child.stdout?.destroy();
      child.stderr?.destroy();
      resolve(ended);
    };
    child.on('exit', (code) => {
      const late = setTimeout(() => done(code), 5_000);
      child.on('close', () => {
        clearTimeout(late);
        done(code);
      });
    });
    if (child.pid === undefined) {
      running.set(undefined, stop);
      done(1);
    }
  });
}

function fail(suite, name, text, replay) {
  const first = text.split('\n').map((line) => line.trim()).filter(Boolean).slice(0, 6).join(': ');
  failures.push(`${suite}: ${name}${first ? `: ${first}` : ''}`);
  say(`FAILED ${suite}: ${name}`);
  for (const line of text.split('\n').slice(0, 40)) say(`    ${line}`);
  if (replay) say(`    replay: ${replay}`);
}

function skip(suite, name, reason, count) {
  if (strict) {
    count.failed++;
    fail(suite, name, `skipped: ${reason}`);
  } else {
    count.skipped++;
    skips.push(`${suite}: ${name}: ${reason.split('\n').map((line) => line.trim()).filter(Boolean).join(': ')}`);
  }
}

/** Ends a suite: its line, its times, and its part of the sum. A suite that ran nothing has failed. */
function close(suite, count, times, since, run) {
  // A class that changed may have no test of the long ring.
  if (count.passed + count.failed + count.skipped === 0 && !run.onlyLong) {
    count.failed = 1;
    const isNamed = run.ring === 'first' && run.filters;
    fail(suite, 'ran no test', isNamed ? 'a class of the long ring alone runs with ./test --long CLASS' : '');
  }
  for (const key of Object.keys(total)) total[key] += count[key];
  const took = seconds(since);
  fs.writeFileSync(
    path.join(results, `${suite}${run.part ?? ''}.json`),
    JSON.stringify({ suite, seconds: took, ring: run.ring, seed: run.seed, tests: times }),
  );
  say(
    `-- ${suite}${run.part ?? ''}: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped` +
      ` (${took.toFixed(0)} s)`,
  );
}

/** Runs a test project. Its runner tells of each test in a line of JSON; what tests print is in the log alone. */
async function runProject(suite, run) {
  const since = Date.now();
  const count = { passed: 0, failed: 0, skipped: 0 };
  const times = [];
  const classes = new Map();
  const tests = new Map();
  let told;
  const log = fs.createWriteStream(path.join(results, `${suite}${run.part ?? ''}.log`));
  const args = ['-noLogo', '-noColor', '-reporter', 'json'];
  // Tests of the host and the harness often wait for containers and processes.
  if (['Hive.Tests', 'Hive.Agent.Tests'].includes(suite)) args.push('-maxThreads', '2x');
  if (run.ring === 'first') args.push('-trait-', 'ring=long');
  if (run.onlyLong) args.push('-trait', 'ring=long', '-trait', 'ring=sampled');
  for (const filter of run.filters ?? []) args.push('-class', filter);
  const isLong = run.ring === 'long';
  const env = { HIVE_TEST_RING: isLong ? 'long' : '', HIVE_TEST_SEED: isLong ? `${run.seed}` : '' };
  const replay = (name) =>
    isLong ? `./test --long --seed ${run.seed} ${name}` : `./test ${name}`;
  const watch = setInterval(() => {
    for (const test of tests.values()) {
      if (test.slow || seconds(test.since) < slowSeconds) continue;
      test.slow = true;
      say(`.. ${suite}: ${test.name} has been running for ${slowSeconds} s`);
    }
  }, 5_000);
  const line = (text) => {
    // Something that a test printed may stand before it.
    const at = text.indexOf('{"$type"');
    let event;
    try {
      event = at >= 0 ? JSON.parse(text.slice(at)) : undefined;
    } catch {
      event = undefined;
    }
    if (!event) {
      log.write(`${text}\n`);
      return;
    }
    const test = tests.get(event.TestUniqueID);
    const words = () => [...(event.Messages ?? []), ...(event.StackTraces ?? [])].filter(Boolean).join('\n');
    switch (event.$type) {
      case 'test-class-starting':
        classes.set(event.TestClassUniqueID, event.TestClassName);
        break;
      case 'test-starting':
        tests.set(event.TestUniqueID, {
          name: event.TestDisplayName,
          class: classes.get(event.TestClassUniqueID) ?? '',
          since: Date.now(),
        });
        break;
      case 'test-passed':
        count.passed++;
        break;
      case 'test-failed':
        count.failed++;
        log.write(`FAILED ${test?.name}\n${words()}\n${event.Output ?? ''}\n`);
        fail(suite, test?.name ?? '', words(), replay(test?.class ?? suite));
        break;
      case 'test-skipped':
        skip(suite, test?.name ?? '', event.Reason ?? '', count);
        break;
      case 'test-assembly-finished':
        told = event;
        break;
      case 'test-finished':
        if (test)
          times.push({ name: test.name, class: test.class, seconds: event.ExecutionTime });
        tests.delete(event.TestUniqueID);
        break;
      default:
        // Errors outside of a test: a fixture, a clean-up, the runner itself.
        if (event.$type.endsWith('-failure') || event.$type === 'error-message') {
          count.failed++;
          fail(suite, event.$type, words());
        }
    }
  };
  const program = path.join(root, 'artifacts', 'bin', suite, 'release', suite);
  const limit = Math.min(run.limit ?? 2400, (deadline - Date.now()) / 1000);
  const ended = await start(program, args, env, log, line, limit);
  clearInterval(watch);
  await new Promise((resolve) => log.end(resolve));
  if (told) count.passed = told.TestsTotal - told.TestsFailed - told.TestsSkipped - told.TestsNotRun;
  const left = [...tests.values()].map((test) => `${test.name} (${seconds(test.since).toFixed(0)} s)`);
  const leftText = `still running:\n${left.join('\n') || 'no test'}`;
  if (ended.timedOut) {
    count.failed++;
    fail(suite, `out of time after ${seconds(since).toFixed(0)} s`, leftText);
  } else if (count.failed === 0 && (ended.code !== 0 || !told || told.TestsFailed > 0)) {
    count.failed++;
    const last = fs.readFileSync(path.join(results, `${suite}${run.part ?? ''}.log`), 'utf8').split('\n').slice(-20);
    fail(suite, `the runner ended with exit code ${ended.code}`, `${leftText}\n${last.join('\n')}`);
  }
  close(suite, count, times, since, run);
}

async function command(name, program, args, limit = 900) {
  const file = path.join(results, `${name}.log`);
  const log = fs.createWriteStream(file);
  const rest = Math.max(1, (deadline - Date.now()) / 1000);
  const ended = await start(program, args, {}, log, (text) => log.write(`${text}\n`), Math.min(limit, rest));
  await new Promise((resolve) => log.end(resolve));
  return { ok: ended.code === 0, tail: fs.readFileSync(file, 'utf8').split('\n').slice(-60).join('\n') };
}

// The build has installed the page's packages, unless it ran without the page.
async function dashboardPackages() {
  if (fs.existsSync(path.join(root, 'src', 'Dashboard', 'node_modules'))) return { ok: true, tail: '' };
  return await command('npm', 'npm', ['--prefix', 'src/Dashboard', 'ci', '--no-audit', '--no-fund']);
}

async function runDashboard(run) {
  const suite = 'dashboard';
  const since = Date.now();
  const count = { passed: 0, failed: 0, skipped: 0 };
  const times = [];
  const report = path.join(results, 'vitest.json');
  fs.rmSync(report, { force: true });
  const packages = await dashboardPackages();
  const args = ['--prefix', 'src/Dashboard', 'test', '--', '--reporter=default', '--reporter=json'];
  const ended = packages.ok ? await command(suite, 'npm', [...args, `--outputFile.json=${report}`]) : packages;
  if (!fs.existsSync(report)) {
    count.failed++;
    fail(suite, packages.ok ? 'the runner ended without a result' : 'its packages could not be installed', ended.tail);
  } else {
    const told = JSON.parse(fs.readFileSync(report, 'utf8'));
    for (const file of told.testResults) {
      for (const test of file.assertionResults) {
        const name = test.fullName;
        times.push({ name, class: path.basename(file.name ?? ''), seconds: (test.duration ?? 0) / 1000 });
        if (test.status === 'passed') count.passed++;
        else if (test.status === 'failed') {
          count.failed++;
          fail(suite, name, test.failureMessages?.[0] ?? '');
        } else skip(suite, name, `marked as ${test.status}`, count);
      }
    }
    // A suite that does not load is not a failed test in that report.
    if (count.failed === 0 && (!told.success || !ended.ok)) {
      count.failed++;
      fail(suite, 'the runner failed', ended.tail);
    }
  }
  close(suite, count, times, since, run);
}

// C# is formatted as CSharpier does it (.csharpierrc.yaml), and the page as Biome does it, without a warning of its
// linter (src/Dashboard/biome.jsonc).
async function runFormat(run) {
  const since = Date.now();
  const count = { passed: 0, failed: 0, skipped: 0 };
  const times = [];
  const check = async (name, way, steps) => {
    const from = Date.now();
    let ended;
    for (const [program, ...args] of steps) {
      ended = await command(`format-${name}`, program, args);
      if (!ended.ok) break;
    }
    times.push({ name, class: 'format', seconds: seconds(from) });
    if (ended.ok) count.passed++;
    else {
      count.failed++;
      fail('format', name, `${ended.tail}\n${way}`);
    }
  };
  await check('csharp', '`dotnet csharpier format .` formats the files named above', [
    ['dotnet', 'tool', 'restore'],
    ['dotnet', 'csharpier', 'check', '.'],
  ]);
  await dashboardPackages();
  await check('page', '`npm --prefix src/Dashboard run format` formats and fixes what it can of the above', [
    ['npm', '--prefix', 'src/Dashboard', 'run', '--silent', 'check', '--', '--colors=off'],
  ]);
  close('format', count, times, since, run);
}

async function runSuite(suite, run) {
  if (isInterrupted) return;
  if (Date.now() >= deadline) {
    total.failed++;
    fail(suite, 'out of time before it began', '');
    return;
  }
  say(`== ${suite}${run.part ?? ''}`);
  if (suite === 'dashboard') await runDashboard(run);
  else if (suite === 'format') await runFormat(run);
  else await runProject(suite, run);
}

/** Runs suites in two lanes; each takes filters from the selection. */
async function runAll(chosen, run) {
  const named = [...chosen.keys()];
  const others = named.filter((suite) => !lanes.flat().includes(suite));
  await Promise.all(
    [...lanes, others].map(async (lane) => {
      for (const suite of lane.filter((one) => chosen.has(one)))
        await runSuite(suite, { ...run, filters: chosen.get(suite) });
    }),
  );
}

/** The part of the long ring that the change touched, a class at a time, as long as there is time. */
async function runTouched(base, seed) {
  const map = readMap(path.join(root, 'tests', 'long.map'));
  const changed = changedFiles(root, base);
  const classes = choose(map, changed);
  say(
    changed
      ? `== the long ring of ${changed.length} changed files: ${classes.length} classes`
      : `== the long ring's sample (the change is unknown): ${classes.length} classes`,
  );
  const since = Date.now();
  const queue = [...classes];
  const lane = async () => {
    for (let name = queue.shift(); name; name = queue.shift()) {
      if (seconds(since) > touchedSeconds) {
        say(`.. no time left for ${name}: run ./test --long ${name}`);
        continue;
      }
      const { suite } = selection(name);
      const limit = touchedEndSeconds - seconds(since);
      await runSuite(suite, { ring: 'long', onlyLong: true, seed, filters: [name], part: ` ${name}`, limit });
    }
  };
  await Promise.all([lane(), lane()]);
}

// Ends with a line that says what is wrong, before any test has run.
function refuse(line) {
  say(line);
  say('0 passed, 1 failed, 0 skipped');
  process.exit(1);
}

// Tests create and delete tens of thousands of files, and ext4 searches everything it has freed lately for each new one
// (measured: half of the total time). With enough room in memory, the files are created there.
function useMemory() {
  const given = process.env.TMPDIR;
  const room = (folder) => {
    const { bavail, bsize } = fs.statfsSync(folder);
    return bavail * bsize;
  };
  if (given) {
    if (/\s/.test(given)) refuse(`TMPDIR (${JSON.stringify(given)}) contains blanks, which some of the tools cannot take; choose another folder`);
    if (!fs.existsSync(given)) refuse(`TMPDIR (${given}) does not exist; create it or choose another folder`);
  } else {
    try {
      if (room('/dev/shm') >= 2 * roomBytes) {
        scratch = fs.mkdtempSync('/dev/shm/hive-test.');
        // Some of the files are executed.
        const program = path.join(scratch, 'run');
        fs.writeFileSync(program, '#!/bin/sh\n', { mode: 0o700 });
        fs.accessSync(program, fs.constants.X_OK);
        process.env.TMPDIR = scratch;
      } else say('/dev/shm has less than 4 GiB free: the tests use /tmp and take longer');
    } catch {
      say('/dev/shm cannot be used: the tests use /tmp and take longer');
    }
  }
  const folder = process.env.TMPDIR ?? os.tmpdir();
  try {
    if (room(folder) < roomBytes) refuse(`${folder} has less than 2 GiB free, which the tests need; free some, or set TMPDIR to another folder`);
    fs.rmdirSync(fs.mkdtempSync(path.join(folder, 'hive-')));
  } catch (error) {
    refuse(`${folder} cannot be written to (${error.code}); free some of it, or set TMPDIR to another folder`);
  }
}

// A program that keeps the processors busy; without it, the runs would prove nothing.
function startLoad() {
  load = spawn('stress-ng', ['--cpu', '2', '--quiet'], { detached: true, stdio: 'ignore' });
  const ended = () => {
    if (!load) return;
    load = undefined;
    total.failed++;
    fail('--load', 'stress-ng is missing or has ended before the tests', '');
  };
  load.on('error', ended);
  load.on('exit', ended);
}

function leaveMemory() {
  const loading = load;
  load = undefined;
  try {
    if (loading) process.kill(-loading.pid, 'SIGTERM');
  } catch {
    // It has ended.
  }
  try {
    if (scratch) fs.rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    say(`${scratch} could not be removed: ${error.message}`);
  }
  scratch = undefined;
}

// Of all programs that were started and have ended, from the kernel's sum.
function processorSeconds() {
  const fields = fs.readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

function finish(code) {
  leaveMemory();
  for (const [title, lines] of [['Skipped:', skips], ['Failed:', failures]]) {
    if (lines.length === 0) continue;
    say();
    say(title);
    for (const line of lines) say(`    ${line}`);
  }
  say();
  say(`${seconds(begun).toFixed(0)} s, of processor time ${processorSeconds().toFixed(0)} s; ./test --times lists the slowest`);
  say(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exit(code ?? (total.failed === 0 && total.passed > 0 ? 0 : 1));
}

function interrupted() {
  if (isInterrupted) return;
  isInterrupted = true;
  for (const stop of running.values()) stop('SIGTERM');
  setTimeout(() => {
    for (const stop of running.values()) stop('SIGKILL');
    say();
    say('-- interrupted');
    total.failed++;
    finish(130);
  }, 2_000);
}

async function main() {
  const options = JSON.parse(process.argv[2]);
  if (options.times) {
    printTimes(results);
    return;
  }
  fs.mkdirSync(results, { recursive: true });
  for (const file of fs.readdirSync(results)) fs.rmSync(path.join(results, file), { recursive: true });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, interrupted);
  useMemory();
  const allowed = Number(process.env.HIVE_TEST_SECONDS ?? (options.long ? 4500 : 3000));
  if (!(allowed > 0)) refuse('HIVE_TEST_SECONDS is not a number of seconds');
  deadline = begun + allowed * options.repeat * 1000;
  if (options.load) startLoad();
  const chosen = new Map();
  const named = (options.names.length > 0 ? options.names : suites()).map(selection);
  // A suite that is named runs whole, whichever of its classes are named too.
  for (const { suite } of named) {
    const filters = named.filter((one) => one.suite === suite).map((one) => one.filter);
    chosen.set(suite, filters.every(Boolean) ? filters : undefined);
  }
  const seed = options.seed ?? (options.long ? Math.floor(Math.random() * 1e9) : 20260131);
  if (options.long) say(`seed ${seed}: ./test --long --seed ${seed} runs the same again`);
  const run = options.long ? { ring: 'long', seed } : { ring: 'first' };
  for (let i = 1; i <= options.repeat; i++) {
    if (options.repeat > 1) say(`== run ${i} of ${options.repeat}`);
    await runAll(chosen, options.repeat > 1 ? { ...run, part: ` ${i}` } : run);
  }
  if (isInterrupted) return;
  if (options.touched) await runTouched(options.base, seed);
  if (!isInterrupted) finish();
}

function parse(args) {
  const options = { names: [], repeat: 1 };
  const number = (text, least) => (/^\d{1,9}$/.test(text ?? '') && Number(text) >= least ? Number(text) : undefined);
  for (let i = 0; i < args.length; i++) {
    const arg = args[i];
    if (arg === '--long' || arg === '--times' || arg === '--load') options[arg.slice(2)] = true;
    else if (arg === '--touched' || arg.startsWith('--touched=')) {
      options.touched = true;
      options.base = arg.split('=')[1];
    } else if (arg === '--seed') {
      options.seed = number(args[++i], 0);
      if (options.seed === undefined) return { fault: '--seed takes a number from 0 to 999999999' };
    } else if (arg === '--repeat') {
      options.repeat = number(args[++i], 1);
      if (options.repeat === undefined) return { fault: '--repeat takes a number from 1 to 999999999' };
    } else if (arg.startsWith('-')) return { fault: `unknown option ${arg}` };
    else if (selection(arg)) options.names.push(arg);
    else return { fault: `unknown suite or class ${arg}; a class of two suites needs its namespace` };
  }
  if (options.seed !== undefined && !options.long) return { fault: '--seed goes with --long; the first ring has a fixed seed' };
  return options;
}

// Such as `./test --times | head`, or a terminal that was closed.
process.stdout.on('error', () => (running.size > 0 ? interrupted() : process.exit(1)));
if (process.argv[2] === '--parse') {
  const options = parse(process.argv.slice(3));
  if (options.fault) {
    process.stderr.write(`${options.fault}\n`);
    process.exit(2);
  }
  process.stdout.write(JSON.stringify(options));
} else {
  try {
    await main();
  } catch (error) {
    total.failed++;
    fail('run.mjs', 'the runner failed', error.stack ?? `${error}`);
    finish(1);
  }
}
