import { expect, test } from 'vitest';
import type { Agent } from '../api/types';
import { activityOf, GROUPS, groupOf, lookOf } from './activity';

const AT = '2026-05-01T12:00:00.000Z';

test.each([
  ['failed', '✗', 'bad', 'failed'],
  ['starting', '↻', 'info', 'working'],
  ['rebuilding', '↻', 'info', 'working'],
  ['needs login', '⚠', 'waiting', 'waits'],
  ['stopped', '○', 'faint', 'down'],
  ['not connected', '○', 'faint', 'down'],
  ['no driver', '⚠', 'waiting', 'waits'],
  ['paused', '‖', 'faint', 'held'],
  ['rate limited', '◷', 'warn', 'held'],
  ['compacting', '◐', 'info', 'working'],
  ['working', '◉', 'good', 'working'],
  ['waits for you', '◇', 'waiting', 'waits'],
  ['waits for alice', '◇', 'peer', 'waits'],
  ['idle', '●', 'plain', 'idle'],
])('%s is drawn and counted as the table of states has it', (state, glyph, tone, group) => {
  expect(lookOf(state)).toMatchObject({ glyph, tone });
  expect(groupOf(state)).toBe(group);
  expect(GROUPS).toContain(groupOf(state));
});

test('work on the container comes before the word of the host', () => {
  const agent = { name: 'a', activity: { state: 'idle', since_at: AT } } as Agent;
  expect(activityOf(agent).state).toBe('idle');
  expect(activityOf(agent, { name: 'a', kind: 'stopping', since_at: AT })).toEqual({ state: 'stopping', since_at: AT });
});
