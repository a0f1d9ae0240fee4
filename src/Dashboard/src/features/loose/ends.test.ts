import { describe, expect, test } from 'vitest';
import type { Approval, Question, Reminder } from '../../api/types';
import { looseEnds } from './ends';

const AT = '2026-05-01T12:00:00.000Z';
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
const reminder = (id: number, agent: string): Reminder => ({
  id,
  agent,
  message: `reminder ${id}`,
  file_refs: [],
  created_at: AT,
  due_at: AT,
  attempt_count: 0,
});
const approval = (id: number, requester: string): Approval => ({
  id,
  agent: 'alice',
  kind: 'apply_commit',
  commit_ref: '0123456',
  status: 'pending',
  requested_at: AT,
  requester,
});

describe('loose ends', () => {
  test('are grouped by agent: what it owes, what it asked, what it is reminded of', () => {
    const ends = looseEnds([question(1, { target: 'bob' }), question(2)], [reminder(7, 'bob')], []);
    const summary = ends.map(({ agent, owed, asked, reminders, ends: all }) => [
      agent,
      owed,
      asked,
      reminders,
      all.map((end) => end.kind).join(' '),
    ]);
    expect(summary).toEqual([
      ['alice', 0, 2, 0, 'asked asked'],
      ['bob', 1, 0, 1, 'owed reminder'],
    ]);
  });

  test('hold an approval for its requester, unless that is the operator', () => {
    const ends = looseEnds([], [], [approval(1, 'manager'), approval(2, 'operator')]);
    expect(ends.map(({ agent, approvals }) => [agent, approvals])).toEqual([['manager', 1]]);
  });

  test('are none without questions, reminders and approvals', () => expect(looseEnds([], [], [])).toEqual([]));
});
