import { beforeEach, expect, test, vi } from 'vitest';
import { Refusal } from '../../api/refusal';

const host = vi.hoisted(() => ({ asked: [] as { body: string; key: string }[], away: false }));

vi.mock('../../api/client', () => ({
  api: {
    POST: async (_: string, { body }: { body: { body: string; key: string } }) => {
      host.asked.push(body);
      if (host.away) throw new Refusal('the host cannot be reached', 0, 'unreachable');
    },
  },
}));

const { send, sending } = await import('./send');

const keys = () => host.asked.map(({ key }) => key);

beforeEach(() => {
  host.asked = [];
  host.away = false;
});

test('a message that may not have arrived keeps its key, whatever is sent before it is tried again', async () => {
  host.away = true;
  const everyone = sending({ to: '*', body: 'stop' });
  await expect(everyone()).rejects.toThrow('cannot be reached');
  host.away = false;
  await send({ to: 'bob', body: 'and you?' });
  await everyone();
  const [first, between, again] = keys();
  expect([first === again, first === between]).toEqual([true, false]);
});

test('a message that is written again after it has not arrived has its key, and the next one another', async () => {
  host.away = true;
  await expect(send({ to: 'bob', body: 'stop' })).rejects.toThrow('cannot be reached');
  host.away = false;
  await send({ to: 'bob', body: 'stop' });
  await send({ to: 'bob', body: 'stop' });
  const [first, again, next] = keys();
  expect([first === again, first === next]).toEqual([true, false]);
});

test('a message keeps its key while others are sent, and several wait for an answer', async () => {
  host.away = true;
  for (const to of ['alice', 'bob']) await expect(send({ to, body: 'stop' })).rejects.toThrow('cannot be reached');
  host.away = false;
  await send({ to: 'carol', body: 'stop' });
  for (const to of ['alice', 'bob']) await send({ to, body: 'stop' });
  const [alice, bob, , aliceAgain, bobAgain] = keys();
  expect([aliceAgain, bobAgain]).toEqual([alice, bob]);
});
