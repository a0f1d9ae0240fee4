import { beforeEach, expect, test, vi } from 'vitest';
import { refusal } from '../../ui/action';

/** The requests that the host got, its unread messages, and the routes that it refuses. */
const host = vi.hoisted(() => ({ asked: [] as [string, unknown][], unread: 0, refused: '' }));

vi.mock('../../api/client', () => ({
  api: {
    GET: async (_: string, { params }: { params: { query: { before?: number } } }) => {
      const { before = Number.MAX_SAFE_INTEGER } = params.query;
      const all = Array.from({ length: host.unread }, (_, i) => ({ id: i + 1, from: 'alice', to: 'operator' }));
      const mine = [...all, { id: host.unread + 1, from: 'operator', to: 'alice' }];
      return { data: { cursor: 'e-1', messages: mine.filter(({ id }) => id < before).slice(-200) } };
    },
    POST: async (path: string, { body }: { body: unknown }) => {
      host.asked.push([path, body]);
      if (path === host.refused) throw new Error('the host is away');
    },
  },
  answerOf: async (asked: Promise<{ data: unknown }>) => (await asked).data,
}));

const { acknowledge, replyTo } = await import('./waiting');

beforeEach(() => {
  [host.asked, host.unread, host.refused, refusal.value] = [[], 0, '', null];
});

test('a conversation is done with all its messages, also those that the page does not hold', async () => {
  host.unread = 450;
  await acknowledge('alice').run();
  const ids = host.asked.flatMap(([, body]) => (body as { ids: number[] }).ids);
  expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 450 }, (_, i) => i + 1));
});

test('a reply that the host has is not sent again when something after it fails', async () => {
  host.unread = 1;
  host.refused = '/api/messages/ack';
  const reply = replyTo('alice', { label: '↩ T4LK', about: 'alice', after: [acknowledge('alice')] });
  await reply.action('yes').run();
  expect(host.asked.map(([path]) => path)).toEqual(['/api/messages/send', '/api/messages/ack']);
  expect(refusal.value).toBe('Sent to alice. Not done after it: Done the messages of alice: the host is away');
});
