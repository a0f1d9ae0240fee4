import { expect, test } from 'vitest';
import type { Message } from '../../api/types';
import type { FlowRow } from './message-log';
import { threaded } from './threads';

const row = (id: number, in_reply_to?: number): FlowRow => ({
  message: {
    id,
    from: 'a',
    to: 'b',
    body: '',
    sent_at: '',
    file_refs: [],
    ...(in_reply_to && { in_reply_to }),
  } as Message,
  dropped: false,
});

const shown = (rows: FlowRow[], ...open: number[]) =>
  threaded(rows, new Set(open)).map(({ key, answers, latest, below }) =>
    below ? `  ${key}` : `${key}${answers > 0 ? ` ↩${answers} ${latest?.message.id}` : ''}`,
  );

test('answers fold under the first message, where the latest of them stands', () => {
  expect(shown([row(1), row(2), row(3, 1), row(4), row(5, 3)])).toEqual(['2', '4', '1 ↩2 5']);
  expect(shown([row(1), row(2), row(3, 1), row(4), row(5, 3)], 1)).toEqual(['2', '4', '1 ↩2 5', '  3', '  5']);
});

test('an answer to a message that is not here begins a thread of its own', () => {
  expect(shown([row(7, 2), row(8, 7), row(9, 3)])).toEqual(['7 ↩1 8', '9']);
});

test('a thread of 5,000 messages', () => {
  const rows = Array.from({ length: 5000 }, (_, i) => row(i + 1, i === 0 ? undefined : i));
  expect(shown(rows)).toEqual(['1 ↩4999 5000']);
});
