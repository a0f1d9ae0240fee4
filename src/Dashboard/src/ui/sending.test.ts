import { beforeEach, expect, test } from 'vitest';
import { words } from '../api/refusal';
import { refusal } from './refused';
import { Requests } from './sending';

const slow = () => {
  let end: { answer: () => void; refuse: (e: Error) => void } = { answer: () => {}, refuse: () => {} };
  const asked = new Promise<void>((answer, refuse) => {
    end = { answer, refuse };
  });
  return { ask: () => asked, ...end };
};

let requests: Requests;

beforeEach(() => {
  requests = new Requests();
  refusal.value = null;
});

test('while one thing is being sent, another one can be', async () => {
  const sent: string[] = [];
  const [alice, bob] = [slow(), slow()];
  requests.about = 'alice';
  const first = requests.send('alice', null, alice.ask, words);
  void requests.send('alice', null, async () => sent.push('alice'), words);
  requests.about = 'bob';
  expect([requests.isBusy('alice'), requests.isBusy('bob')]).toEqual([true, false]);
  const second = requests.send('bob', null, bob.ask, words);
  expect(requests.isBusy('bob')).toBe(true);
  alice.answer();
  bob.answer();
  await Promise.all([first, second]);
  expect([requests.isBusy('alice'), requests.isBusy('bob'), sent]).toEqual([false, false, []]);
});

test('a refusal is shown with what it is about, and by the shell where that is gone', async () => {
  const alice = slow();
  requests.about = 'alice';
  const first = requests.send('alice', null, alice.ask, words);
  requests.about = 'bob';
  alice.refuse(new Error('alice is unknown'));
  await first;
  expect([requests.errorOf('alice'), requests.errorOf('bob'), refusal.value]).toEqual([null, null, 'alice is unknown']);
  await requests.send('bob', null, () => Promise.reject(new Error('bob is unknown')), words);
  expect([requests.errorOf('bob'), refusal.value]).toEqual(['bob is unknown', 'alice is unknown']);
  await requests.send('bob', 'It is empty.', async () => {}, words);
  expect(requests.errorOf('bob')).toBe('It is empty.');
});
