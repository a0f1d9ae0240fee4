import { expect, test } from 'vitest';
import { turnIn } from './entries';
import type { AgentEvent } from './events';

const AT = '2026-05-01T12:00:00.000Z';

/** Events by their kinds: `+2` begins turn 2, `-2` ends it, another text is a piece of it. */
const events = (...written: string[]): AgentEvent[] =>
  written.map((text, i) => {
    const turn = Number(text.slice(1));
    const kind = text.startsWith('+') ? 'turn_started' : text.startsWith('-') ? 'turn_ended' : 'text';
    return { id: i + 1, at: AT, kind, ...(kind === 'text' ? { text } : { turn }) };
  });

test.each([
  [['+1', 'a', '-1', '+2', 'b', '-2'], 1, [1, 2, 3]],
  [['+1', 'a', '-1', '+2', 'b', '-2'], 2, [4, 5, 6]],
  [['a', '-1', '+2', 'b'], 2, [3, 4]],
  [['+1', 'a', '+2', '-2'], 1, [1, 2]],
  [['+1', 'a', '+2', '-2', '-1'], 1, [1, 2]],
  [['a', '-1'], 1, null],
])('of %j turn %i has the events %j', (written, turn, ids) => {
  expect(turnIn(events(...written), turn)?.map(({ id }) => id) ?? null).toEqual(ids);
});
