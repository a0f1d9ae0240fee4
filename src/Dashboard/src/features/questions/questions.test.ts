import { describe, expect, test } from 'vitest';
import type { Question } from '../../api/types';
import { loaded as load } from '../../test/loaded';
import { Drafts } from './drafts';
import { eventsOf } from './events';
import { answerOf, byAnswer, type Filter, HISTORY, nothing, participants, shownBy, withOption } from './question';
import { Questions } from './store';

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

  test('to the operator count as waiting, those between agents do not', () => {
    const { store, event } = loaded({ questions: [question(1), question(2, { target: 'bob' })] });
    expect(store.waiting.value).toBe(1);
    event({ kind: 'question_added', question: question(3) });
    expect(store.waiting.value).toBe(2);
    event({ kind: 'question_resolved', question: settled(1, 'operator', 'yes') });
    event({ kind: 'question_resolved', question: settled(3, 'ttl-watchdog', '[expired]') });
    expect(store.waiting.value).toBe(0);
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

describe('the filter', () => {
  const rows = [
    question(1),
    question(2, { target: 'bob' }),
    question(3, { asker: 'bob', target: 'carol' }),
    question(4, { asker: 'dave' }),
  ];
  const by = (filter: Filter) => ids(rows.filter((row) => shownBy(filter, row)));

  test('tells the operator’s questions from the peers’ and from one participant’s', () => {
    expect(by('all')).toEqual([1, 2, 3, 4]);
    expect(by('@operator')).toEqual([1, 4]);
    expect(by('@peer')).toEqual([2, 3]);
    expect(by({ agent: 'bob' })).toEqual([2, 3]);
    expect(by({ agent: 'alice' })).toEqual([1, 2]);
  });

  test('knows who asks and who is asked', () => expect(participants(rows)).toEqual(['alice', 'bob', 'carol', 'dave']));
});

describe('an answer', () => {
  const asked = question(1, { options: ['a', 'b', 'c'] });

  test('joins the options in their order, and what was typed', () => {
    expect(answerOf(asked, nothing)).toBe('');
    expect(answerOf(asked, { chosen: ['c', 'a'], text: '' })).toBe('a, c');
    expect(answerOf(asked, { chosen: ['b'], text: '  but later\n' })).toBe('b, but later');
    expect(answerOf(asked, { chosen: ['gone'], text: 'x' })).toBe('x');
  });

  test('toggles one option or several', () => {
    expect(withOption({ chosen: ['a'], text: 't' }, 'b', false)).toEqual({ chosen: ['b'], text: 't' });
    expect(withOption({ chosen: ['a'], text: '' }, 'b', true).chosen).toEqual(['a', 'b']);
    expect(withOption({ chosen: ['a', 'b'], text: '' }, 'a', true).chosen).toEqual(['b']);
    expect(withOption({ chosen: ['a'], text: '' }, 'a', false).chosen).toEqual([]);
  });
});

describe('drafts', () => {
  function storage(): Storage {
    const all = new Map<string, string>();
    return {
      get length() {
        return all.size;
      },
      key: (i: number) => [...all.keys()][i] ?? null,
      getItem: (key: string) => all.get(key) ?? null,
      setItem: (key: string, value: string) => void all.set(key, value),
      removeItem: (key: string) => void all.delete(key),
      clear: () => all.clear(),
    };
  }

  const typed = { chosen: [], text: 'half an answ' };

  test('survive events about other questions, and a reload', () => {
    const kept = storage();
    const { store, event } = loaded({ questions: [question(1, { options: ['a'] }), question(2)] });
    const drafts = new Drafts(store, kept);
    drafts.keep(question(1), { chosen: ['a'], text: 'and' });
    event({ kind: 'question_added', question: question(3) });
    event({ kind: 'question_resolved', question: settled(2, 'operator', 'x') });
    expect(drafts.of(question(1))).toEqual({ chosen: ['a'], text: 'and' });

    const reloaded = new Drafts(loaded({ questions: [question(1)] }).store, kept);
    expect(reloaded.of(question(1))).toEqual({ chosen: ['a'], text: 'and' });
    reloaded.keep(question(1), nothing);
    expect(kept.length).toBe(0);
  });

  test('of unknown questions are discarded, also where an id was used again', () => {
    const kept = storage();
    kept.setItem('hive.answer.1.2020-01-01T00:00:00.000Z', JSON.stringify(typed));
    kept.setItem('hive.answer.2', 'broken');
    kept.setItem('other', 'not ours');
    const drafts = new Drafts(loaded({ questions: [question(1)] }).store, kept);
    expect(drafts.of(question(1))).toBe(nothing);
    expect(kept.getItem('hive.answer.1.2020-01-01T00:00:00.000Z')).toBeNull();
    expect(kept.getItem('other')).toBe('not ours');
  });

  test('are shown as overtaken when the question was settled, until discarded', () => {
    const { store, event } = loaded({ questions: [question(1, { target: 'bob' })] });
    const drafts = new Drafts(store, storage());
    drafts.keep(question(1), typed);
    expect(drafts.overtaken.value).toEqual([]);
    event({ kind: 'question_resolved', question: settled(1, 'bob', 'done', { target: 'bob' }) });
    expect(ids(drafts.overtaken.value)).toEqual([1]);
    expect(drafts.of(question(1)).text).toBe('half an answ');
    drafts.drop(question(1));
    expect(drafts.overtaken.value).toEqual([]);
  });

  test('that were overtaken stay until discarded, also through a reload', () => {
    const kept = storage();
    const { store, event } = loaded({ questions: [question(1, { target: 'bob' })] });
    const drafts = new Drafts(store, kept);
    drafts.keep(question(1), typed);
    event({ kind: 'question_resolved', question: settled(1, 'bob', 'done', { target: 'bob' }) });
    for (let id = 2; id <= HISTORY + 10; id++)
      event({ kind: 'question_resolved', question: settled(id, 'operator', 'ok') });
    expect(ids(store.answered.value)).not.toContain(1);
    expect(drafts.overtaken.value).toEqual([settled(1, 'bob', 'done', { target: 'bob' })]);
    expect(drafts.of(question(1))).toEqual(typed);

    const reloaded = new Drafts(loaded().store, kept);
    expect(reloaded.overtaken.value).toEqual([settled(1, 'bob', 'done', { target: 'bob' })]);
    expect(reloaded.of(question(1))).toEqual(typed);
    reloaded.drop(question(1));
    expect(reloaded.overtaken.value).toEqual([]);
    expect(kept.length).toBe(0);
  });

  test('survive a full storage', () => {
    const full = {
      ...storage(),
      setItem: () => {
        throw new Error('quota exceeded');
      },
    } as Storage;
    const { store, event } = loaded({ questions: [question(1, { target: 'bob' })] });
    const drafts = new Drafts(store, full);
    drafts.keep(question(1), typed);
    expect(drafts.of(question(1))).toEqual(typed);
    event({ kind: 'question_resolved', question: settled(1, 'bob', 'done', { target: 'bob' }) });
    expect(ids(drafts.overtaken.value)).toEqual([1]);
  });

  test('that were sent are removed, also when the event was faster', async () => {
    const { store, event } = loaded({ questions: [question(1)] });
    const drafts = new Drafts(store, storage());
    drafts.keep(question(1), typed);
    await drafts.send(question(1), async () => {
      event({ kind: 'question_resolved', question: settled(1, 'operator', 'half an answ') });
      expect(drafts.overtaken.value).toEqual([]);
    });
    expect(drafts.has(question(1))).toBe(false);
    expect(drafts.overtaken.value).toEqual([]);
  });

  test('that lost the race stay, and are reported', async () => {
    const { store, event } = loaded({ questions: [question(1, { target: 'bob' })] });
    const drafts = new Drafts(store, storage());
    drafts.keep(question(1), typed);
    await expect(
      drafts.send(question(1), async () => {
        event({ kind: 'question_resolved', question: settled(1, 'bob', 'mine', { target: 'bob' }) });
        throw new Error('conflict');
      }),
    ).rejects.toThrow('conflict');
    expect(ids(drafts.overtaken.value)).toEqual([1]);
  });

  test('whose response was lost are removed', async () => {
    const { store, event } = loaded({ questions: [question(1)] });
    const drafts = new Drafts(store, storage());
    drafts.keep(question(1), typed);
    await expect(drafts.send(question(1), () => Promise.reject(new Error('unreachable')))).rejects.toThrow();
    expect(drafts.has(question(1))).toBe(true);
    event({ kind: 'question_resolved', question: settled(1, 'operator', 'half an answ') });
    expect(drafts.overtaken.value).toEqual([]);
  });
});
