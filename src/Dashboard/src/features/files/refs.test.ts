import { describe, expect, test } from 'vitest';
import { beginning } from '../../ui/text/beginning';
import { splitAtRefs } from './refs';

describe('references', () => {
  const refs = (text: string, ...list: string[]) =>
    splitAtRefs(text, list)
      .map((p) => (p.ref ? `[${p.text}]` : p.text))
      .join('');

  test('every occurrence becomes a link, and nothing else', () => {
    expect(refs('see /shared/a, then /shared/a again', '/shared/a')).toBe('see [/shared/a], then [/shared/a] again');
  });

  test('the longest wins where two begin at one place', () => {
    expect(refs('/shared/a.md.old /shared/a.md', '/shared/a.md', '/shared/a.md.old')).toBe(
      '[/shared/a.md.old] [/shared/a.md]',
    );
  });

  test('a name may hold what ends a path in a text', () => {
    expect(
      refs(
        'Your reminder is in /agents/a/state/my notes (1), [b].md (8 bytes).',
        '/agents/a/state/my notes (1), [b].md',
        '/agents/a/state/my',
      ),
    ).toBe('Your reminder is in [/agents/a/state/my notes (1), [b].md] (8 bytes).');
  });

  test('the leftmost goes first and is not cut by one inside it', () => {
    expect(refs('/x/shared/b', '/shared/b', '/x/shared')).toBe('[/x/shared]/b');
  });

  test('without references, or with empty ones, the text stays whole', () => {
    expect(splitAtRefs('plain', [])).toEqual([{ text: 'plain', ref: false }]);
    expect(splitAtRefs('plain', [''])).toEqual([{ text: 'plain', ref: false }]);
    expect(splitAtRefs('', ['/a'])).toEqual([]);
  });

  test('a long text is cut between words, and never within a character', () => {
    expect(beginning('see /shared/plan.md now', 23)).toBe('see /shared/plan.md now');
    expect(beginning('see /shared/plan.md now', 20)).toBe('see /shared/plan.md');
    expect(beginning('see /shared/plan.md now', 19)).toBe('see /shared/plan.md');
    expect(beginning('see /shared/plan.md now', 18)).toBe('see');
    expect(beginning('x'.repeat(50), 10)).toBe('x'.repeat(10));
    expect(beginning('🐝'.repeat(50), 5)).toBe('🐝🐝');
  });

  test('the pieces together are the text', () => {
    const text = '<b>/shared/a</b>&amp;/shared/a/shared/ab';
    expect(
      splitAtRefs(text, ['/shared/a', '/shared/ab'])
        .map((p) => p.text)
        .join(''),
    ).toBe(text);
  });
});
