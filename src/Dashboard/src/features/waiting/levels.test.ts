import { expect, test } from 'vitest';
import type { Preferences } from '../../api/types';
import { applyPreferences, preferences } from '../../ui/preferences';
import { kindsOf, levelOf } from './levels';
import { WaitingRows } from './store';

const row = (kind: string, urgency: string, rest: object = {}) => ({
  key: `${kind}-1`,
  kind,
  id: '1',
  title: '',
  since_at: '2026-05-01T12:00:00Z',
  urgency,
  refs: [],
  url: '',
  ...rest,
});
const chosen: Pick<Preferences, 'notify' | 'notify_kinds'> = {
  notify: { now: 'notify', soon: 'count', fyi: 'silent' },
  notify_kinds: { crash: 'count', message: 'notify' },
};

test('a thing is told by its kind where the operator has chosen, else by its urgency', () => {
  const levels = [row('question', 'now'), row('crash', 'now'), row('message', 'fyi'), row('parked', 'soon')];
  expect(levels.map((one) => levelOf(one, chosen))).toEqual(['notify', 'count', 'notify', 'count']);
  expect(levelOf(row('question', 'of another version'), chosen)).toBe('silent');
});

test('the badge counts what is not silent, and a muted agent as well; the list counts the same as before', () => {
  const rows = new WaitingRows();
  rows.snapshot({
    waiting: [
      row('question', 'now', { agent: 'alice' }),
      row('crash', 'now'),
      row('message', 'fyi'),
      row('approval', 'now', { snoozed_until_at: '2026-05-01T13:00:00Z' }),
    ],
  });
  expect([rows.count.value, rows.badge.value]).toEqual([2, 2]);
  const before = preferences.peek();
  applyPreferences({ notify_kinds: { crash: 'silent', message: 'count', approval: 'notify' }, muted: ['alice'] });
  expect([rows.count.value, rows.badge.value]).toEqual([2, 2]);
  applyPreferences({ notify_kinds: { crash: 'silent', question: 'silent' } });
  expect([rows.count.value, rows.badge.value]).toEqual([2, 0]);
  preferences.value = before;
});

test('every kind can be chosen for: those the page knows, those that wait, and those chosen before', () => {
  const beside = { name: 'peers', order: 1, label: '', rows: () => [], empty: '' };
  const known = [
    { kind: 'question', name: 'question' },
    { kind: 'crash', name: 'crash' },
    { kind: 'peer_question', name: 'question', beside },
  ];
  expect(kindsOf(known, [row('gate_to_pass', 'now'), row('crash', 'now')], { gone_kind: 'silent' })).toEqual([
    { kind: 'crash', name: 'crash' },
    { kind: 'gate_to_pass', name: 'gate to pass' },
    { kind: 'gone_kind', name: 'gone kind' },
    { kind: 'question', name: 'question' },
  ]);
});
