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

test('a broadcast is not a draft while it is held, and remembered once it is sent', async () => {
  const ended = broadcast('all of you', 'all of you');
  expect([draft(), drafts.sent.value, host.asked]).toEqual(['', [], []]);
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

// The last one: the module knows from here on that its page goes away.
test('a broadcast that the page could not send as it went away is a draft of the next page', () => {
  void broadcast('all of you', 'all of you');
  expect(draft()).toBe('');
  sendBeforeLeaving();
  expect([draft(), host.asked]).toEqual(['all of you', []]);
});
