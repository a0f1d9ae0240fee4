import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Waiting } from '../../api/types';
import type { Level } from './levels';
import { APART_MS, type Heard, type Note, Telling } from './telling';

let visible: boolean;
let shown: Note[];
let closed: string[];
let said: string[];
let sounds: number;
let posted: Heard[];
let telling: Telling;
let muted: Set<string>;
const levels: Record<string, Level> = { now: 'notify', soon: 'count', fyi: 'silent' };

const row = (key: string, urgency = 'now', title = `title of ${key}`): Waiting => ({
  key,
  kind: 'question',
  id: '1',
  agent: 'alice',
  title,
  since_at: '2026-05-01T12:00:00Z',
  urgency,
  refs: [],
  url: `/waiting/${key}`,
});
const pass = (ms: number) => vi.advanceTimersByTime(ms);

const made = (name = 'm'): Telling =>
  new Telling(
    {
      isVisible: () => visible,
      levelOf: ({ urgency, agent }) => (agent != null && muted.has(agent) ? 'silent' : (levels[urgency] ?? 'silent')),
      show: (note) => {
        shown.push(note);
        return () => closed.push(note.tag);
      },
      say: (words) => said.push(words),
      sound: () => sounds++,
      post: (heard) => posted.push(heard),
      titleOf: ({ agent }) => `${agent} asks you`,
    },
    name,
  );

beforeEach(() => {
  vi.useFakeTimers();
  [visible, shown, closed, said, sounds, posted] = [false, [], [], [], 0, []];
  muted = new Set();
  telling = made();
});

afterEach(() => {
  vi.useRealTimers();
});

test('a thing is notified of once, by its title, and leads to itself', () => {
  telling.arrived([row('question-1', 'now', 'rm \u202efdp.exe?')]);
  pass(1000);
  expect(shown).toEqual([
    { title: 'alice asks you', body: 'rm ⟨U+202E⟩fdp.exe?', tag: 'hive-question-1', to: '/waiting/question-1' },
  ]);
  expect([sounds, said]).toEqual([1, []]);
});

test('several within ten seconds are one, with their number', () => {
  telling.arrived([row('a')]);
  pass(1000);
  telling.arrived([row('b')]);
  telling.arrived([row('c'), row('d', 'soon'), row('e', 'fyi')]);
  pass(APART_MS - 2000);
  expect(shown).toHaveLength(1);
  pass(2000);
  expect(shown.map(({ title }) => title)).toEqual(['alice asks you', '2 things for you']);
});

test('in a tab that is in view a sentence is read out instead', () => {
  visible = true;
  telling.arrived([row('a'), row('b', 'soon'), row('c', 'fyi')]);
  pass(1000);
  expect([shown, said, sounds]).toEqual([[], ['2 more for you'], 1]);
});

test('what only counts makes no notification and no sound', () => {
  telling.arrived([row('a', 'soon')]);
  pass(1000);
  expect([shown, said, sounds]).toEqual([[], [], 0]);
});

test('the things of a muted agent are not told, also where it is muted just before', () => {
  muted.add('alice');
  telling.arrived([row('a')]);
  pass(APART_MS);
  expect(posted).toEqual([]);
  muted.clear();
  telling.arrived([row('b'), { ...row('c'), agent: 'bob' }]);
  muted.add('alice');
  pass(APART_MS);
  expect([shown.map(({ tag }) => tag), sounds]).toEqual([['hive-c'], 1]);
});

test('what was decided is taken back, or never shown', () => {
  telling.arrived([row('a')]);
  pass(1000);
  telling.arrived([row('b'), row('c')]);
  telling.gone(['a', 'b']);
  pass(APART_MS);
  expect(closed).toEqual(['hive-a']);
  expect(shown.map(({ tag }) => tag)).toEqual(['hive-a', 'hive-c']);
  telling.gone(['c', 'unknown']);
  expect(closed).toEqual(['hive-a', 'hive-c']);
});

test('of several tabs one tells, a visible one first', () => {
  const other = made();
  telling.arrived([row('a')]);
  visible = true;
  other.arrived([row('a')]);
  pass(100);
  expect(posted).toEqual([{ told: ['a'], by: '0m' }]);
  telling.heard({ told: ['a'], by: '0m' });
  pass(APART_MS);
  expect([shown, said]).toEqual([[], ['alice asks you']]);
});

test('of hidden tabs whose timers fire together exactly one tells, and its note stays', () => {
  const [low, high] = [made('a'), made('b')];
  for (const tab of [low, high]) tab.arrived([row('a')]);
  vi.advanceTimersToNextTimer();
  // Both have said that they tell before either heard the other.
  expect(posted).toEqual([
    { told: ['a'], by: '1a' },
    { told: ['a'], by: '1b' },
  ]);
  low.heard({ told: ['a'], by: '1b' });
  high.heard({ told: ['a'], by: '1a' });
  pass(APART_MS);
  expect([shown.map(({ tag }) => tag), closed, sounds]).toEqual([['hive-a'], [], 1]);
});

test('once the operator looks at a tab, what is shown is taken back in all', () => {
  telling.arrived([row('a')]);
  pass(1000);
  const other = made();
  other.looked();
  telling.heard(posted.at(-1) as Heard);
  expect(closed).toEqual(['hive-a']);
});
