import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { drafts } from '../../ui/draft';
import { live } from '../../ui/live';
import { applyPreferences } from '../../ui/preferences';
import { sendBeforeLeaving, undoLatest } from '../../ui/undo';

const host = vi.hoisted(() => ({ asked: [] as unknown[], refuses: false }));

vi.mock('../../api/client', () => ({
  api: {
    POST: async (_: string, { body }: { body: { to: string; body: string } }) => {
      if (host.refuses) throw new Error('no agents');
      host.asked.push([body.to, body.body]);
    },
  },
  isProven: () => false,
  prepare: () => {},
  outliveThePage: () => {},
}));

const { broadcast } = await import('./compose-box');
const { faultOfLine, sendLine } = await import('./lines');
const { address, recipient } = await import('./recipient');

const draft = () => drafts.of('to:*');

beforeEach(() => {
  vi.useFakeTimers();
  host.asked = [];
  host.refuses = false;
  live.connection.value = { state: 'live', since: 0 };
  applyPreferences({ undo_seconds: 5 });
  drafts.keep('to:*', 'all of you');
});

afterEach(async () => {
  await vi.runAllTimersAsync();
  vi.useRealTimers();
});

test('a broadcast is not a draft while it is held, and is remembered from then on', async () => {
  const ended = broadcast('all of you', 'all of you');
  expect([draft(), drafts.sent.value, host.asked]).toEqual(['', ['all of you'], []]);
  await vi.advanceTimersByTimeAsync(5_000);
  await ended;
  expect([draft(), drafts.sent.value, host.asked]).toEqual(['', ['all of you'], [['*', 'all of you']]]);
});

test('a broadcast that was taken back or refused is a draft again, before what was written since', async () => {
  const ended = broadcast('all of you', 'all of you');
  undoLatest();
  await ended;
  expect([draft(), host.asked]).toEqual(['all of you', []]);
  host.refuses = true;
  const refused = broadcast('all of you', 'all of you');
  drafts.keep('to:*', 'and more');
  await vi.advanceTimersByTimeAsync(5_000);
  await refused;
  expect([draft(), host.asked]).toEqual(['all of you\nand more', []]);
});

test('a broadcast that is refused leaves the message to somebody else as it is', async () => {
  address('alice');
  host.refuses = true;
  const ended = broadcast('all of you', 'all of you');
  drafts.keep('to:alice', 'and you');
  await vi.advanceTimersByTimeAsync(5_000);
  await ended;
  expect([recipient.value, draft(), drafts.of('to:alice')]).toEqual(['alice', 'all of you', 'and you']);
  drafts.keep('to:alice', '');
  const empty = broadcast('all of you', 'all of you');
  await vi.advanceTimersByTimeAsync(5_000);
  await empty;
  expect(recipient.value).toBe('*');
});

test.each(['/** a source file */', '/nonsense'])(
  'a line with an unknown command is not sent, nor as a file: %s',
  async (line) => {
    const text = `${line}${' x'.repeat(3_000)}`;
    expect(faultOfLine(text, true)).toContain('Unknown command');
    await expect(sendLine('alice', text, 'the name of a file', null)).rejects.toThrow('Unknown command');
    expect(host.asked).toEqual([]);
  },
);

test('a message that is too long can be sent as a file', () => {
  const text = 'x'.repeat(5_000);
  expect([faultOfLine(text) === null, faultOfLine(text, true)]).toEqual([false, null]);
});

test('a broadcast that differs only at its end from one that is held is sent too', async () => {
  const [long, longer] = ['a'.repeat(90), `${'a'.repeat(90)} b`];
  const ended = [broadcast(long, long), broadcast(longer, longer)];
  await vi.advanceTimersByTimeAsync(5_000);
  await Promise.all(ended);
  expect(host.asked).toEqual([
    ['*', long],
    ['*', longer],
  ]);
});

// The last one: the module knows from here on that its page goes away.
test('a broadcast that the page could not send as it went away is a draft of the next page', () => {
  void broadcast('all of you', 'all of you');
  expect(draft()).toBe('');
  sendBeforeLeaving();
  expect([draft(), host.asked]).toEqual(['all of you', []]);
});
