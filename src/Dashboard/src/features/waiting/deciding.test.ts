import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Action, perform, refusal } from '../../ui/action';
import { live } from '../../ui/live';
import { choose, openMenu } from '../../ui/menu';
import { applyPreferences } from '../../ui/preferences';
import { undoLatest } from '../../ui/undo';
import { decide, isDeciding } from './deciding';

let answerQuestion: (yes: boolean) => void;
vi.mock('../../ui/confirm', () => ({
  confirmed: () =>
    new Promise<boolean>((resolve) => {
      answerQuestion = resolve;
    }),
}));

let asked: string[];
let answer: () => void;

const action = (id: string, rest: Partial<Action> = {}): Action => ({
  id,
  label: '◆ APPR0VE',
  of: '12',
  run: () => {
    asked.push(id);
    return new Promise<void>((resolve) => {
      answer = resolve;
    });
  },
  ...rest,
});
const question = {} as NonNullable<Action['confirm']>;
const decideOn = (one: Action) => decide(['approval-12'], one, () => {});

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  refusal.value = null;
  live.connection.value = { state: 'live', since: 0 };
  applyPreferences({ undo_seconds: 5 });
});

afterEach(async () => {
  await vi.runAllTimersAsync();
  vi.useRealTimers();
});

test('a decision whose key is pressed again is asked for once', async () => {
  const first = decideOn(action('approve'));
  expect(await decideOn(action('approve'))).toBe(false);
  expect(await decideOn(action('cancel'))).toBe(false);
  answer();
  expect(await first).toBe(true);
  // Its row is still there for a moment.
  expect(await decideOn(action('approve'))).toBe(false);
  expect([asked, refusal.value]).toEqual([['approve'], null]);
});

test('the same action elsewhere is asked for once too', async () => {
  const [first, second] = [perform(action('approve')), perform(action('approve'))];
  expect(asked).toEqual(['approve']);
  answer();
  expect(await Promise.all([first, second])).toEqual([true, true]);
  void perform(action('approve'));
  answer();
  expect(asked).toEqual(['approve', 'approve']);
});

test('a held decision is sent at once by its key', async () => {
  const deny = action('deny', { hold: true });
  const held = decideOn(deny);
  expect(asked).toEqual([]);
  const now = decideOn(deny);
  expect(asked).toEqual(['deny']);
  answer();
  expect(await Promise.all([held, now])).toEqual([true, true]);
});

test('the operator goes on once: when the page holds a decision, else when the host has it', async () => {
  const went: string[] = [];
  const deny = action('deny', { hold: true });
  const held = decide(['approval-12'], deny, () => went.push('held'));
  expect(went).toEqual(['held']);
  await vi.advanceTimersByTimeAsync(5_000);
  answer();
  await held;
  expect(went).toEqual(['held']);
  const approved = decide(['approval-13'], action('approve', { of: '13' }), () => went.push('approved'));
  expect(went).toEqual(['held']);
  answer();
  await approved;
  expect(went).toEqual(['held', 'approved']);
});

test('an action of a row that asks first is chosen from its menu, asked for once, and done', async () => {
  const cancel = action('cancel-turn', { confirm: question });
  const at = { isConnected: false } as HTMLElement;
  const ends: Promise<boolean>[] = [];
  openMenu('What can be done', [cancel], at, (one) => ends.push(decideOn(one)));
  choose(cancel);
  // Its key is pressed while the dialog is open.
  ends.push(perform(cancel));
  answerQuestion(true);
  await vi.advanceTimersByTimeAsync(0);
  expect(asked).toEqual(['cancel-turn']);
  answer();
  expect(await Promise.all(ends)).toEqual([true, true]);
});

test('what was taken back waits for a decision again', async () => {
  const see = action('see', { undo: async () => {} });
  const seen = decideOn(see);
  answer();
  await seen;
  expect(isDeciding('approval-12')).toBe(true);
  expect(undoLatest()).toBe(true);
  expect(isDeciding('approval-12')).toBe(false);
  const again = decideOn(see);
  answer();
  expect(await again).toBe(true);
  expect(asked).toEqual(['see', 'see']);
});
