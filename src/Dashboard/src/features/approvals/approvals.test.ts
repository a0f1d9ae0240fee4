import { describe, expect, test } from 'vitest';
import type { Approval, BuildStep, DiffFile } from '../../api/types';
import { loaded as load } from '../../test/loaded';
import { duration } from '../../ui/text/time';
import { visible } from '../../ui/text/visible';
import { commitOf, hasDiff, tagOf, whatIsAsked } from './approval';
import { eventsOf } from './events';
import { coloured } from './highlight';
import { FOLDED_LINES, lineCount, linesOf, markOf, modeOf, OPEN_LINES, openAtFirst } from './patch';
import { Approvals } from './store';

const AT = '2026-05-01T12:00:00.000Z';
const approval = (id: number, rest: Partial<Approval> = {}): Approval => ({
  id,
  agent: 'alice',
  kind: 'apply_commit',
  commit_ref: '0123456',
  status: 'pending',
  requested_at: AT,
  requester: 'manager',
  ...rest,
});

describe('approvals', () => {
  const loaded = (rest: object = {}) => load(new Approvals(), eventsOf, rest);

  test('are open, then building, then decided', () => {
    const { store, event } = loaded({ approvals: [approval(2), approval(1)] });
    expect(store.open.value.map((a) => a.id)).toEqual([1, 2]);
    event({ kind: 'approval_added', approval: approval(3) });
    event({ kind: 'approval_changed', approval: approval(1, { status: 'building' }) });
    expect(store.waiting.value).toBe(2);
    const end = { kind: 'approval_resolved', approval: approval(1, { status: 'failed', resolved_at: AT, note: 'no' }) };
    event(end);
    event(end);
    expect(store.open.value.map((a) => a.id)).toEqual([2, 3]);
    expect(store.decided.value.map((a) => a.note)).toEqual(['no']);
  });

  test('of a revived agent are open again', () => {
    const { store, event } = loaded({ approvals: [approval(1)] });
    event({ kind: 'approval_resolved', approval: approval(1, { status: 'failed', resolved_at: AT }) });
    event({ kind: 'approval_added', approval: approval(1) });
    expect([store.open.value, store.decided.value].map((all) => all.map((a) => a.id))).toEqual([[1], []]);
  });

  test('the newest fifty ends are kept, the latest first', () => {
    const { store, event } = loaded();
    for (let id = 1; id <= 60; id++)
      event({
        kind: 'approval_resolved',
        approval: approval(id, {
          status: 'approved',
          resolved_at: `2026-05-01T12:00:${String(id % 60).padStart(2, '0')}.000Z`,
        }),
      });
    expect(store.decided.value).toHaveLength(50);
    expect(store.decided.value.slice(0, 2).map((a) => a.id)).toEqual([59, 58]);
  });

  test('say what they are about', () => {
    expect(whatIsAsked(approval(1, { fetched_sha: 'f'.repeat(40) }))).toBe('commit ffffffffffff for alice');
    expect(whatIsAsked(approval(1, { kind: 'spawn', commit_ref: '' }))).toBe('a new agent alice');
    expect(whatIsAsked(approval(1, { kind: 'update_inputs', inputs: ['a', 'b'] }))).toBe('updated inputs: a, b');
    expect(commitOf(approval(1, { commit_ref: '' }))).toBeNull();
    expect(hasDiff(approval(1, { fetched_sha: 'f' }))).toBe(true);
    expect(hasDiff(approval(1))).toBe(false);
    expect(hasDiff(approval(1, { kind: 'spawn' }))).toBe(false);
  });

  test.each([
    [{ status: 'approved', fetched_sha: 'f' }, 'deployed/7'],
    [{ status: 'failed', fetched_sha: 'f' }, 'failed/7'],
    [{ status: 'denied', fetched_sha: 'f' }, 'denied/7'],
    [{ status: 'building', fetched_sha: 'f' }, null],
    [{ status: 'failed' }, null],
    [{ status: 'approved', kind: 'spawn' }, 'deployed/0'],
    [{ status: 'denied', kind: 'spawn' }, null],
    [{ status: 'approved', kind: 'update_inputs' }, null],
  ] as [Partial<Approval>, string | null][])('%j leaves the tag %j', (rest, tag) =>
    expect(tagOf(approval(7, rest))).toBe(tag),
  );
});

const PATCH = `diff --git a/agent.yaml b/agent.yaml
index 1..2 100644
--- a/agent.yaml
+++ b/agent.yaml
@@ -1,4 +1,4 @@ first
 model: one
-- old
+++ new
 same
\\ No newline at end of file
@@ -10 +10,2 @@
-ten
+TEN
+eleven
`;

describe('a difference', () => {
  test('has lines with their places on both sides', () => {
    expect(linesOf(PATCH).map(({ kind, text, before, after }) => [kind, text, before, after])).toEqual([
      ['hunk', '@@ -1,4 +1,4 @@ first', null, null],
      ['same', 'model: one', 1, 1],
      ['removed', '- old', 2, null],
      ['added', '++ new', null, 2],
      ['same', 'same', 3, 3],
      ['remark', 'No newline at end of file', null, null],
      ['hunk', '@@ -10 +10,2 @@', null, null],
      ['removed', 'ten', 10, null],
      ['added', 'TEN', null, 10],
      ['added', 'eleven', null, 11],
    ]);
  });

  test('of a changed file type has two parts, and one without content none', () => {
    const two =
      'diff --git a/x b/x\ndeleted file mode 100644\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-text\n' +
      'diff --git a/x b/x\nnew file mode 120000\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+target\n';
    expect(linesOf(two).map((line) => line.kind)).toEqual(['hunk', 'removed', 'hunk', 'added']);
    expect(linesOf('diff --git a/x b/x\nold mode 100644\nnew mode 100755\n')).toEqual([]);
    expect(linesOf('')).toEqual([]);
  });

  test('is counted without being parsed', () => {
    expect(lineCount(undefined)).toBe(0);
    expect(lineCount('a\nb\n')).toBe(2);
  });

  const file = (path: string, lines: number, rest: Partial<DiffFile> = {}): DiffFile => ({
    path,
    status: 'modified',
    binary: false,
    patch: '+x\n'.repeat(lines),
    ...rest,
  });

  test('is folded where it is large, and after much', () => {
    expect([...openAtFirst([file('a', 10), file('b', FOLDED_LINES + 1), file('c', FOLDED_LINES)])]).toEqual(['a', 'c']);
    expect(openAtFirst(Array.from({ length: 20 }, (_, i) => file(`f${i}`, FOLDED_LINES))).size).toBe(
      OPEN_LINES / FOLDED_LINES,
    );
  });

  test('says what happens to a file', () => {
    expect(
      ['added', 'deleted', 'renamed', 'mode_changed', 'type_changed', 'modified', 'changed']
        .map((status) => markOf(file('x', 1, { status })).letter)
        .join(''),
    ).toBe('ADRMTMM');
    expect(markOf(file('x', 1, { status: 'renamed', old_path: 'y' })).words).toBe('renamed from y');
    expect(modeOf(file('x', 1))).toBeNull();
    expect(modeOf(file('x', 1, { new_mode: '120000' }))).toBe('a link');
    expect(modeOf(file('x', 1, { old_mode: '100644', new_mode: '100755' }))).toBe('a file → a program');
    expect(modeOf(file('x', 1, { new_mode: '40000' }))).toBe('mode 40000');
  });

  test('shows invisible characters', () => {
    expect(visible('a\u202eb\u200bc\u0000d')).toBe('a⟨U+202E⟩b⟨U+200B⟩c⟨U+0000⟩d');
    expect(visible('tab\tand ünïcode 🐝 stay\r')).toBe('tab\tand ünïcode 🐝 stay␍');
    expect(visible('two\r\nlines')).toBe('two\nlines');
    expect(visible('\u2066\u2069\u061c\u{e0041}\u3164\ufff9')).toBe(
      '⟨U+2066⟩⟨U+2069⟩⟨U+061C⟩⟨U+E0041⟩⟨U+3164⟩⟨U+FFF9⟩',
    );
    expect(visible('a\u200db 👩‍💻 👩🏽‍💻 🏳️‍🌈 👩\u200dx')).toBe('a⟨U+200D⟩b 👩‍💻 👩🏽‍💻 🏳️‍🌈 👩⟨U+200D⟩x');
    expect(visible(visible('a\u202e'))).toBe('a⟨U+202E⟩');
  });
});

describe('colours', () => {
  const text = (path: string, patch: string) =>
    coloured(path, linesOf(patch)).map((parts) => parts.map((part) => part.text).join(''));
  const at = (path: string, patch: string, line: number) =>
    coloured(path, linesOf(patch))[line]?.map((part) => `${part.as}:${part.text}`);

  test('change no text, whatever the language', () => {
    for (const path of [
      'agent.yaml',
      'README.md',
      'x.sh',
      'flake.nix',
      'tool.py',
      'a.ts',
      'b.json',
      'c.toml',
      'Makefile',
      'd.unknown',
    ])
      expect(text(path, PATCH)).toEqual(linesOf(PATCH).map((line) => line.text));
  });

  test('follow the language of the file', () => {
    expect(at('agent.yaml', PATCH, 1)).toContain('attr:model:');
    expect(at('agent.txt', PATCH, 1)).toEqual([':model: one']);
  });

  test('span lines, on each side separately', () => {
    const patch = '@@ -1,3 +1,3 @@\n-x = 1\n+x = """\n is it text?\n"""\n';
    expect(at('a.py', patch, 3)).toEqual(['string:is it text?']);
  });

  test('are left out of large hunks', () => {
    const long = `@@ -1 +1 @@\n+a: ${'x'.repeat(5000)}\n`;
    expect(at('a.yaml', long, 1)).toEqual([`:a: ${'x'.repeat(5000)}`]);
    const many = `@@ -1 +1 @@\n${'+a: b\n'.repeat(40_000)}`;
    expect(at('a.yaml', many, 1)).toEqual([':a: b']);
  });
});

describe('the steps of a build', () => {
  const step = (name: string, rest: object = {}) => ({ name, state: 'running', started_at: AT, ...rest }) as BuildStep;
  const done = { state: 'done', ended_at: AT };
  const shown = (store: Approvals) => store.builds.value.get(1)?.steps.map(({ name, log }) => [name, log?.length ?? 0]);

  test('are the latest of events and answers, whichever comes last', () => {
    const { store, event } = load(new Approvals(), eventsOf);
    event({ kind: 'build_changed', build: { id: 1, steps: [step('wait', done), step('start', { log: ['a', 'b'] })] } });
    store.built({ id: 1, steps: [step('wait', done), step('start', { log: ['a'] })] });
    store.built({ id: 1, steps: [] });
    expect(shown(store)).toEqual([
      ['wait', 0],
      ['start', 2],
    ]);
    store.built({ id: 1, steps: [step('wait', done), step('start', { ...done, log: ['a', 'b'] })] });
    expect(store.builds.value.get(1)?.steps[1]?.state).toBe('done');
    // A host that was restarted in the middle begins with another step.
    store.built({ id: 1, steps: [{ ...step('recover'), started_at: '2026-05-01T12:01:00.000Z' }] });
    expect(shown(store)).toEqual([['recover', 0]]);
  });

  test('take as long as they took', () => {
    const after = (ms: number) => duration(AT, Date.parse(AT) + ms);
    expect([0, 430, 9_990, 12_000, 125_000, -5].map(after)).toEqual([
      '0.0 s',
      '0.4 s',
      '9.9 s',
      '12 s',
      '2 min 5 s',
      '0.0 s',
    ]);
  });
});
