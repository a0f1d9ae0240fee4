import { expect, test } from 'vitest';
import type { Message, Question } from '../../api/types';
import { filesOf } from './files';

const message = (id: number, from: string, to: string, ...file_refs: string[]) =>
  ({ id, from, to, sent_at: `2026-05-01T12:00:0${id}.000Z`, file_refs }) as Message;

test('files are named by the messages and questions of an agent, the latest first, each once', () => {
  const messages = [
    message(1, 'alice', 'operator', '/agents/alice/state/a.md', '/shared/plan.md'),
    message(2, 'bob', 'operator', '/agents/alice/state/b.md', '/shared/other.md'),
    message(3, 'operator', 'alice', '/shared/plan.md'),
  ];
  const question = {
    id: 7,
    asker: 'alice',
    asked_at: '2026-05-01T12:00:09.000Z',
    question_refs: ['/agents/alice/state/q.md'],
    answer_refs: [],
  } as unknown as Question;
  expect(filesOf('alice', messages, [question])).toEqual([
    { path: '/agents/alice/state/q.md', by: 'question 7 of alice' },
    { path: '/shared/plan.md', by: 'message 3 from operator' },
    { path: '/agents/alice/state/b.md', by: 'message 2 from bob' },
    { path: '/agents/alice/state/a.md', by: 'message 1 from alice' },
  ]);
});
