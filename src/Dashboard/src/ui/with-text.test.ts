import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { perform } from './action';
import { drafts } from './draft';
import { live } from './live';
import { applyPreferences } from './preferences';
import type { WithText } from './registry';
import { undoLatest } from './undo';
import { faultOfText, sendText } from './with-text';

let sent: string[];
const deny = (of: string): WithText => ({
  id: 'deny',
  label: 'DENY',
  of,
  target: 'many deny',
  placeholder: '',
  optional: true,
  what: 'a reason',
  reader: '*',
  action: (reason) => ({
    id: 'deny',
    label: 'DENY',
    of,
    hold: true,
    run: async () => sent.push(`${of}: ${reason}`),
  }),
});
const write = (of: string, text: string) => {
  drafts.keep('many deny', text);
  return sendText(deny(of), text, text, perform);
};

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  drafts.keep('many deny', '');
  live.connection.value = { state: 'live', since: 0 };
  applyPreferences({ undo_seconds: 5 });
});

afterEach(async () => {
  await vi.runAllTimersAsync();
  vi.useRealTimers();
});

test('the reason of one batch does not go along with the next', async () => {
  const first = write('3 selected', 'too broad');
  expect(drafts.of('many deny')).toBe('');
  const second = sendText(deny('2 selected'), drafts.of('many deny'), drafts.of('many deny'), perform);
  await vi.advanceTimersByTimeAsync(5_000);
  await Promise.all([first, second]);
  expect([sent, drafts.of('many deny')]).toEqual([['3 selected: too broad', '2 selected: '], '']);
});

test('the reason of a batch that is taken back is written again', async () => {
  const ended = write('3 selected', 'too broad');
  drafts.keep('many deny', 'and more');
  undoLatest();
  expect(await ended).toBe(false);
  expect([sent, drafts.of('many deny')]).toEqual([[], 'too broad\nand more']);
});

test('a text in the hold is among what was sent before', () => {
  void write('3 selected', 'too broad');
  expect(drafts.sent.value[0]).toBe('too broad');
});

test('a file lifts the limit of a text, and no other fault', () => {
  const long = 'x'.repeat(5_000);
  expect([faultOfText(deny('12'), '', false), faultOfText(deny('12'), long, true)]).toEqual([null, null]);
  expect(faultOfText(deny('12'), long, false)).toContain('5000 bytes');
  const own = { ...deny('12'), faultOf: () => 'Unknown command' };
  expect(faultOfText(own, long, true)).toBe('Unknown command');
});
