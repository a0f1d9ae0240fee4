import { describe, expect, test, vi } from 'vitest';
import type { Question } from '../../api/types';
import { loaded as load, snapshotOf } from '../../test/loaded';
import { pendingOf, perform, refusal } from '../../ui/action';
import { drafts } from '../../ui/draft';
import { live } from '../../ui/live';
import { applyPreferences } from '../../ui/preferences';
import { toasts } from '../../ui/undo';
import { answer } from './actions';
import { answerDraft, draftOf, keepAnswer } from './draft';
import { eventsOf } from './events';
import { answerOf, byAnswer, HISTORY, meantByOpen, nothing, saidAfter, withOption } from './question';
import { Questions, questions as shared } from './store';

const host = { answer: () => {}, refuse: (_: Error) => {} };
vi.mock('../../api/client', async (original) => ({
  ...(await original<object>()),
  api: {
    POST: () =>
      new Promise<void>((resolve, reject) => {
        host.answer = resolve;
        host.refuse = reject;
      }),
  },
}));

const AT = '2026-05-01T12:00:00.000Z';
const later = (seconds: number) => new Date(Date.parse(AT) + seconds * 1000).toISOString();
const question = (id: number, rest: Partial<Question> = {}): Question => ({
  id,
  asker: 'alice',
  question: `question ${id}`,
  question_refs: [],
  options: [],
  multi: false,
  asked_at: AT,
  answer_refs: [],
  ...rest,
});
const settled = (id: number, answerer: string, answer: string, rest: Partial<Question> = {}): Question =>
  question(id, { answerer, answer, answered_at: later(id), ...rest });
const loaded = (rest: object = {}) => load(new Questions(), eventsOf, rest);
const ids = (rows: readonly { id: number }[]) => rows.map(({ id }) => id);

describe('questions', () => {
  test('are pending until resolved, then first in the history', () => {
    const { store, event } = loaded({ questions: [question(1)], question_history: [settled(3, 'bob', 'no')] });
    event({ kind: 'question_added', question: question(4, { target: 'bob' }) });
    event({ kind: 'question_resolved', question: settled(4, 'bob', 'yes') });
    event({ kind: 'question_resolved', question: settled(4, 'bob', 'yes') });
    expect(ids(store.pending.value)).toEqual([1]);
    expect(ids(store.answered.value)).toEqual([4, 3]);
  });

  test('of a revived asker are open again', () => {
    const { store, event } = loaded({ questions: [question(1)] });
    event({ kind: 'question_resolved', question: settled(1, 'system', '[cancelled]') });
    event({ kind: 'question_added', question: question(1) });
    expect([ids(store.pending.value), ids(store.answered.value)]).toEqual([[1], []]);
  });

  test('in the history are kept up to the host’s limit', () => {
    const { store, event } = loaded();
    for (let id = 1; id <= HISTORY + 10; id++)
      event({ kind: 'question_resolved', question: settled(id, 'operator', 'ok') });
    expect(store.answered.value).toHaveLength(HISTORY);
    expect(store.answered.value[0]?.id).toBe(HISTORY + 10);
  });

  test('without an answer’s time are last', () => {
    expect(ids([question(9), settled(1, 'bob', 'x')].sort(byAnswer))).toEqual([1, 9]);
  });
});

test('what an agent wrote after its question expired tells what it assumed', () => {
  const row = (id: number, from: string, seconds: number) =>
    ({ message: { id, from, sent_at: later(seconds) } }) as never;
  const rows = [row(1, 'alice', 5), row(2, 'bob', 11), row(3, 'alice', 10), row(4, 'alice', 12)];
  expect(saidAfter(rows, 'alice', later(10))?.id).toBe(3);
  expect(saidAfter(rows, 'alice', later(13))).toBeUndefined();
});

describe('an answer', () => {
  const asked = question(1, { options: ['a', 'b', 'c'] });

  test('joins the options in their order, and what was typed', () => {
    expect(answerOf(asked, nothing)).toBe('');
    expect(answerOf(asked, { chosen: ['c', 'a'], text: '' })).toBe('a, c');
    expect(answerOf(asked, { chosen: ['b'], text: '  but later\n' })).toBe('b, but later');
    expect(answerOf(asked, { chosen: ['gone'], text: 'x' })).toBe('x');
  });

  test('with words of its own is not sent from the list', () => {
    expect(meantByOpen(nothing)).toBeNull();
    expect(meantByOpen({ chosen: [], text: '  ' })).toBeNull();
    expect(meantByOpen({ chosen: ['a'], text: ' ' })).toBe('send');
    expect(meantByOpen({ chosen: [], text: 'no, because the' })).toBe('write');
    expect(meantByOpen({ chosen: ['a'], text: 'no, because the' })).toBe('write');
  });

  test('toggles one option or several', () => {
    expect(withOption({ chosen: ['a'], text: 't' }, 'b', false)).toEqual({ chosen: ['b'], text: 't' });
    expect(withOption({ chosen: ['a'], text: '' }, 'b', true).chosen).toEqual(['a', 'b']);
    expect(withOption({ chosen: ['a', 'b'], text: '' }, 'a', true).chosen).toEqual(['b']);
    expect(withOption({ chosen: ['a'], text: '' }, 'a', false).chosen).toEqual([]);
  });
});

test('the draft of an answer keeps options and words, for this question alone', () => {
  const asked = question(1, { options: ['a', 'b'] });
  keepAnswer(asked, { chosen: ['b'], text: 'but' });
  expect(answerDraft(asked)).toEqual({ chosen: ['b'], text: 'but' });
  expect(answerDraft({ ...asked, asked_at: later(1) })).toEqual(nothing);
  drafts.keep(`options:1.${AT}`, '{"not": "ours"}');
  expect(answerDraft(asked)).toEqual({ chosen: [], text: 'but' });
  keepAnswer(asked, nothing);
  expect(drafts.has(draftOf(asked))).toBe(false);
});

test('a draft goes with its answer, and a refusal brings it back before what was typed since', async () => {
  const asked = question(9, { options: ['yes', 'no'] });
  keepAnswer(asked, { chosen: ['yes'], text: 'now' });
  const sent = answer(asked, 'yes, now').run();
  expect([answerDraft(asked), drafts.sent.value[0]]).toEqual([nothing, 'now']);
  keepAnswer(asked, { ...nothing, text: 'and test it' });
  host.answer();
  await sent;
  expect(answerDraft(asked)).toEqual({ chosen: [], text: 'and test it' });

  keepAnswer(asked, { chosen: ['yes'], text: 'now' });
  const refused = answer(asked, 'yes, now').run();
  keepAnswer(asked, { ...nothing, text: 'and test it' });
  host.refuse(new Error('question 9 was answered by bob'));
  await expect(refused).rejects.toThrow('answered by bob');
  expect(answerDraft(asked)).toEqual({ chosen: ['yes'], text: 'now\nand test it' });
});

test('a held answer keeps its draft, and is not sent once somebody else has answered', async () => {
  refusal.value = null;
  applyPreferences({ undo_seconds: 5 });
  const asked = question(11, { deadline_at: new Date(Date.now() + 60_000).toISOString() });
  shared.snapshot(snapshotOf({ questions: [asked] }));
  keepAnswer(asked, { chosen: [], text: 'yes' });
  expect(answer(asked, 'yes').deadline).toBe(asked.deadline_at);
  const ended = perform(answer(asked, 'yes'));
  expect(toasts.value.map(({ state, text }) => [state, text])).toEqual([['held', 'yes']]);
  shared.resolve(settled(11, 'bob', 'no'));
  expect(await ended).toBe(false);
  expect(refusal.value).toBe('Question 11 was answered by bob. Yours was not sent: Answer 11 of alice.');
  expect([toasts.value, answerDraft(asked).text]).toEqual([[], 'yes']);
});

test('an answer that is being sent still shows its text', async () => {
  applyPreferences({ undo_seconds: 5 });
  live.connection.value = { state: 'live', since: 0 };
  const asked = question(12);
  shared.snapshot(snapshotOf({ questions: [asked] }));
  keepAnswer(asked, { chosen: [], text: 'yes' });
  const ended = perform(answer(asked, 'yes'));
  toasts.value[0]?.now?.();
  const { state, text } = pendingOf(answer(asked, '')) ?? {};
  expect([state, text, answerDraft(asked)]).toEqual(['sending', 'yes', nothing]);
  host.answer();
  expect(await ended).toBe(true);
  expect(pendingOf(answer(asked, ''))).toBeUndefined();
});
