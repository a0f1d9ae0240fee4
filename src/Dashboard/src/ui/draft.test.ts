import { expect, test } from 'vitest';
import { type DraftStorage, Drafts } from './draft';

/** A browser's storage; <room>: how many texts fit. */
function storage(texts: Record<string, string> = {}, room = Number.POSITIVE_INFINITY): DraftStorage {
  const map = new Map(Object.entries(texts));
  return {
    get length() {
      return map.size;
    },
    key: (i) => [...map.keys()][i] ?? null,
    getItem: (name) => map.get(name) ?? null,
    setItem: (name, text) => {
      if (!map.has(name) && map.size >= room) throw new DOMException('full', 'QuotaExceededError');
      map.set(name, text);
    },
    removeItem: (name) => void map.delete(name),
  };
}

test('each target has its own draft, which the next page finds', () => {
  const kept = storage();
  const drafts = new Drafts(() => kept);
  drafts.keep('to:alice', 'half a sen');
  drafts.keep('to:bob', '  ');
  const next = new Drafts(() => kept);
  expect(next.of('to:alice')).toBe('half a sen');
  expect([next.has('to:alice'), next.has('to:bob'), next.has('to:carol')]).toEqual([true, false, false]);
  next.keep('to:alice', '');
  expect(new Drafts(() => kept).of('to:alice')).toBe('');
});

test('what another tab writes shows here', () => {
  const drafts = new Drafts(() => storage());
  drafts.heard('hive.draft.to:alice', JSON.stringify({ text: 'from there', at: 1 }));
  expect(drafts.of('to:alice')).toBe('from there');
  drafts.heard('hive.draft.to:alice', null);
  drafts.heard('hive.other', 'x');
  expect(drafts.of('to:alice')).toBe('');
});

test('a sign-out in any tab removes all drafts', () => {
  const drafts = new Drafts(() => storage());
  drafts.keep('to:alice', 'half a sen');
  drafts.remember('sent');
  drafts.heard(null, null);
  expect(drafts.of('to:alice')).toBe('');
  expect(drafts.sent.value).toEqual([]);
});

test.each(['half a sentence', '{broken', '"quoted"', '[1]', 'null', '12'])(
  'a draft of an earlier version stays as it is: %s',
  (text) => {
    expect(new Drafts(() => storage({ 'hive.draft.to:alice': text })).of('to:alice')).toBe(text);
  },
);

test('drafts without a change for a month are dropped, others are not', () => {
  const at = Date.UTC(2026, 0, 1);
  const texts = { 'hive.draft.to:alice': JSON.stringify({ text: 'old', at }) };
  expect(new Drafts(() => storage(texts), at + 29 * 86_400_000).of('to:alice')).toBe('old');
  expect(new Drafts(() => storage(texts), at + 31 * 86_400_000).of('to:alice')).toBe('');
});

test('a full or forbidden storage is said, and the page goes on', () => {
  const full = new Drafts(() => storage({}, 0));
  expect(full.kept.value).toBe(true);
  full.keep('to:alice', 'text');
  expect([full.of('to:alice'), full.kept.value]).toEqual(['text', false]);
  const forbidden = new Drafts(() => {
    throw new DOMException('denied', 'SecurityError');
  });
  forbidden.keep('to:alice', 'text');
  forbidden.remember('sent');
  expect([forbidden.of('to:alice'), forbidden.sent.value[0], forbidden.kept.value]).toEqual(['text', 'sent', false]);
});

test('what was sent is remembered once, the latest first, of all places', () => {
  const kept = storage({ 'hive.sent': '{"not":"a list"}' });
  const drafts = new Drafts(() => kept);
  for (const text of ['one', 'two', 'one', ' ']) drafts.remember(text);
  for (let i = 0; i < 60; i++) drafts.remember(`text ${i}`);
  expect(drafts.sent.value.slice(0, 2)).toEqual(['text 59', 'text 58']);
  expect(new Drafts(() => kept).sent.value).toHaveLength(50);
});
