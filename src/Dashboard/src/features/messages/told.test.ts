import { expect, test } from 'vitest';
import { plainly, toldBy } from './told';

const told = (event: object, from = 'system'): string | null => {
  const pieces = toldBy(from, JSON.stringify(event));
  return pieces === null ? null : plainly(pieces);
};

test.each([
  [
    { event: 'question_asked', id: 7, asker: 'bob', question: 'which?', options: [], multi: false },
    'bob asks (question 7): which?',
  ],
  [
    { event: 'question_asked', id: 7, asker: 'bob', question: 'which?', options: ['a', 'b'], multi: false },
    'bob asks (question 7): which? · one of: a / b',
  ],
  [
    { event: 'question_asked', id: 7, asker: 'bob', question: 'which?', options: ['a', 'b'], multi: true },
    'bob asks (question 7): which? · any of: a / b',
  ],
  [
    { event: 'question_answered', id: 7, question: 'which?', answer: 'a', answerer: 'operator' },
    'operator answers question 7: a · the question: which?',
  ],
  [
    { event: 'question_answered', id: 7, question: 'which?', answer: '[expired]' },
    'Question 7 expired without an answer · the question: which?',
  ],
  [
    { event: 'question_answered', id: 7, question: 'which?', answer: '[cancelled]', answerer: 'operator' },
    'Question 7 was cancelled by operator · the question: which?',
  ],
  [
    { event: 'approval_resolved', id: 3, agent: 'bob', kind: 'apply_commit', status: 'denied', note: 'not yet' },
    'Approval 3 (apply_commit, bob): denied · not yet',
  ],
  [
    { event: 'approval_resolved', id: 3, agent: '', kind: 'update_inputs', status: 'approved' },
    'Approval 3 (update_inputs): approved',
  ],
  [{ event: 'spawned', agent: 'bob', ok: true }, 'bob was created'],
  [{ event: 'spawned', agent: 'bob', ok: false, note: 'no room' }, 'bob could not be created: no room'],
  [{ event: 'rebuilt', agent: 'bob', ok: true }, 'bob was rebuilt'],
  [{ event: 'rebuilt', agent: 'bob', ok: false, note: 'no room' }, 'The rebuild of bob failed: no room'],
  [{ event: 'killed', agent: 'bob' }, 'bob was killed'],
  [{ event: 'destroyed', agent: 'bob' }, 'bob was destroyed'],
  [{ event: 'container_crash', agent: 'bob', note: 'exit code 3' }, 'bob crashed: exit code 3'],
  [{ event: 'needs_login', agent: 'bob' }, 'bob needs a login'],
  [{ event: 'logged_in', agent: 'bob' }, 'bob has logged in'],
  [{ event: 'needs_update', agent: 'bob' }, 'bob needs an update: it does not run its applied configuration'],
  [
    { event: 'review_requested', by: 'eve', repository: 'agents/bob', number: 4, title: 'T' },
    'eve asks for a review of agents/bob#4: T',
  ],
  [
    { event: 'mentioned', by: 'eve', repository: 'agents/bob', number: 4, title: 'T', text: '@bob look' },
    'eve mentions you in agents/bob#4: T · @bob look',
  ],
  [
    { event: 'pull_request_opened', by: 'eve', repository: 'agents/bob', number: 4, title: 'T' },
    'eve opened agents/bob#4: T',
  ],
  [
    { event: 'thread_post', from: 'eve', thread: 12, subject: 'Login', text: 'Keep both?' },
    'eve in thread 12 (Login): Keep both?',
  ],
  [
    { event: 'handoff_requested', by: 'eve', task: 7, to: 'bob', reason: 'I lack the key.' },
    'eve offers task 7 to bob: I lack the key.',
  ],
  [
    { event: 'handoff_declined', task: 7, to: 'bob', text: 'No time.' },
    'The handoff of task 7 to bob was declined · No time.',
  ],
])('%j is one sentence', (event, sentence) => expect(told(event)).toBe(sentence));

test('quoted text is separate from Hive’s own words', () => {
  expect(toldBy('system', '{"event":"container_crash","agent":"bob","note":"bob is fine"}')).toEqual([
    { own: 'bob crashed' },
    { own: ': ' },
    { said: 'bob is fine' },
  ]);
});

test.each(['{"event":"brand_new","agent":"bob"}', '{"agent":"bob"}', '{broken', '[]', '{}', 'you have been started'])(
  '%s stays as it is',
  (body) => {
    expect(toldBy('system', body)).toBeNull();
  },
);

test('the same JSON from another sender stays text', () =>
  expect(told({ event: 'killed', agent: 'bob' }, 'alice')).toBeNull());
