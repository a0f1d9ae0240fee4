import { beforeEach, expect, test, vi } from 'vitest';
import type { Message, Waiting } from '../../api/types';
import { snapshotOf } from '../../test/loaded';
import { type Action, perform, refusal } from '../../ui/action';

/** The requests that the host got, its unread messages, and the routes that it refuses. */
const host = vi.hoisted(() => ({ asked: [] as [string, unknown][], unread: 0, refused: '', open: 0, most: 0 }));

vi.mock('../../api/client', () => ({
  api: {
    GET: async (_: string, { params }: { params: { query: { before?: number } } }) => {
      const { before = Number.MAX_SAFE_INTEGER } = params.query;
      const all = Array.from({ length: host.unread }, (_, i) => ({ id: i + 1, from: 'alice', to: 'operator' }));
      const mine = [...all, { id: host.unread + 1, from: 'operator', to: 'alice' }];
      return { data: { cursor: 'e-1', messages: mine.filter(({ id }) => id < before).slice(-200) } };
    },
    POST: async (path: string, { body }: { body?: unknown }) => {
      host.asked.push([path, body]);
      host.most = Math.max(host.most, ++host.open);
      await Promise.resolve();
      host.open--;
      if (path === host.refused) throw new Error('the host is away');
    },
  },
  answerOf: async (asked: Promise<{ data: unknown }>) => (await asked).data,
}));

const { messages } = await import('./store');
const { drop, retry } = await import('./actions');
const { acknowledge, replyTo } = await import('./waiting');
const { kind } = await import('../../waiting/parked');

beforeEach(() => {
  [host.asked, host.unread, host.refused, refusal.value] = [[], 0, '', null];
});

test('a conversation is done with all its messages, also those that the page does not hold', async () => {
  host.unread = 450;
  await acknowledge('alice').run();
  const ids = host.asked.flatMap(([, body]) => (body as { ids: number[] }).ids);
  expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 450 }, (_, i) => i + 1));
});

test('messages that came after the newest that was shown stay unread', async () => {
  const shown = Array.from({ length: 3 }, (_, i) => ({ id: i + 1, from: 'alice', to: 'operator' }));
  messages.snapshot(snapshotOf({ inbox: shown, inbox_unread: 3 }));
  const done = acknowledge('alice');
  host.unread = 5;
  await done.run();
  expect(host.asked).toEqual([['/api/messages/ack', { ids: [1, 2, 3] }]]);
  messages.snapshot(snapshotOf({}));
});

test('many messages become unread again, a few at a time', async () => {
  host.unread = 20;
  const done = acknowledge('alice');
  await done.run();
  host.asked = [];
  host.most = 0;
  await done.undo?.();
  expect([host.asked.length, host.most]).toEqual([20, 8]);
});

test('a reply that the host has is not sent again when something after it fails', async () => {
  host.unread = 1;
  host.refused = '/api/messages/ack';
  const reply = replyTo('alice', { label: '↩ T4LK', about: 'alice', after: [acknowledge('alice')] });
  await reply.action('yes').run();
  expect(host.asked.map(([path]) => path)).toEqual(['/api/messages/send', '/api/messages/ack']);
  expect(refusal.value).toBe('Sent to alice. Not done after it: Done the messages of alice: the host is away');
});

test('two answers to one agent, about two questions, are both sent', async () => {
  const late = (about: string) => replyTo('alice', { label: '↩ 4NSW3R L4T3', about, after: [] }).action('yes');
  expect(await Promise.all([perform(late('late-1')), perform(late('late-2'))])).toEqual([true, true]);
  expect(host.asked.map(([path]) => path)).toEqual(['/api/messages/send', '/api/messages/send']);
});

test('a message is dropped under one name wherever it is dropped', () => {
  const message = { id: 7, from: 'alice', to: 'bob', parked_at: '2026-05-01T12:00:00Z' } as Message;
  const parked = kind.actions?.({ id: '7', agent: 'bob' } as Waiting) ?? [];
  const names = (actions: readonly Action[]) => actions.map(({ id, label, of }) => `${id} ${label} ${of}`);
  expect(names(parked)).toEqual(names([retry(message), drop(message)]));
});
