import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Refusal } from '../../../api/refusal';
import type { Discovery, Thread } from '../../../api/types';
import { card, later, task } from '../../../test/board-rows';
import { filled } from '../../../test/routes';

let answers: Record<string, unknown> = {};
const asked: string[] = [];
vi.mock('../../../api/client', async (original) => ({
  ...(await original<object>()),
  api: {
    GET: async (...[route, init]: Parameters<typeof filled>) => {
      const { path } = filled(route, init);
      asked.push(path);
      const answer = answers[path];
      if (answer instanceof Error) throw answer;
      return { data: answer };
    },
  },
}));

const { Rows, TicketRows } = await import('./rows');
const { happened, reasonOf, reworkOf, sentenceOf } = await import('./history');
const { criterionLook } = await import('./look');
const { lookOf, spokenTask } = await import('./look');
const { foundEdges } = await import('./graph');
const { contentText } = await import('./artifact');
const { joined } = await import('./threads');

const whole = (rest: object = {}) => ({
  ...card(7),
  description: 'd',
  description_refs: [],
  requester: 'operator',
  approval: 'approved',
  allowed_transitions: [],
  blocked_by: [],
  blocks: [],
  ...rest,
});
const gate = {
  ticket: 7,
  phase_id: 'PHASE_BACKLOG',
  gate_status: 'open',
  requirements_met: false,
  missing_artifacts: [],
  blocking_reasons: [],
  criteria: [],
  iteration: 0,
  max_iterations: 3,
};

const found = (id: number): Discovery => ({
  id,
  ticket: 7,
  source_task: 1,
  type: 'bug',
  description: 'It fails.',
  priority_boost: false,
  status: 'open',
  by: 'alice',
  at: later(0),
  task: 2,
});

beforeEach(() => {
  vi.useFakeTimers();
  asked.length = 0;
  answers = {
    '/tickets/7': whole(),
    '/tickets/7/history?limit=1000': [{ id: 1, at: later(0), actor: 'operator', kind: 'created' }],
    '/tickets/7/graph': {
      nodes: [task(1), task(2)],
      edges: [{ from: 1, to: 2, kind: 'dependency' }],
      critical_path: [],
    },
    '/discoveries?ticket_id=7&limit=200': [found(5)],
    '/tickets/7/gate-status': gate,
    '/tickets/7/artifacts?limit=200': [{ id: 3 }],
    '/tickets/7/reviews': [],
    '/collaboration/threads?ticket_id=7': [],
  };
});

afterEach(() => vi.useRealTimers());

describe('a ticket that is looked at', () => {
  test('is read with everything of it', async () => {
    const rows = new TicketRows(7);
    await rows.read();
    expect(rows.whole.value?.description).toBe('d');
    expect(rows.tasks.all.value.map(({ id }) => id)).toEqual([1, 2]);
    rows.discovery({ ...found(5), status: 'resolved' });
    rows.discovery(found(6));
    expect(rows.discoveries.all.value.map(({ id, status }) => [id, status])).toEqual([
      [5, 'resolved'],
      [6, 'open'],
    ]);
    expect(foundEdges(rows.discoveries.all.value)).toEqual([
      { from: 1, to: 2, kind: 'discovery' },
      { from: 1, to: 2, kind: 'discovery' },
    ]);
    expect([rows.artifacts.all.value.length, rows.history.value.length]).toEqual([1, 1]);
    expect(rows.threads.all.value).toEqual([]);
    rows.thread({ id: 12 } as Thread);
    expect(rows.threads.all.value.map(({ id }) => id)).toEqual([12]);
  });

  test('changes with its card at once, and its texts are read again, once for many events', async () => {
    const rows = new TicketRows(7);
    answers['/tickets/7'] = whole({ blocked: 'budget' });
    await rows.read();
    rows.card(card(7, { title: 'new' }));
    rows.card(card(7, { title: 'newer' }));
    expect(rows.whole.value).toMatchObject({ title: 'newer', description: 'd' });
    expect(rows.whole.value?.blocked).toBeUndefined();
    answers['/tickets/7'] = whole({ title: 'newer', description: 'e' });
    asked.length = 0;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked.filter((path) => path === '/tickets/7')).toHaveLength(1);
    expect(rows.whole.value?.description).toBe('e');
    rows.stop();
  });

  test('that was deleted says so, and one that cannot be read says why', async () => {
    const rows = new TicketRows(7);
    answers['/tickets/7'] = new Refusal('no ticket 7', 404, 'not_found');
    await rows.read();
    expect([rows.gone.value, rows.error.value]).toEqual([true, null]);
    const other = new TicketRows(7);
    answers['/tickets/7'] = new Refusal('the host is stopping', 503, 'unavailable');
    await other.read();
    expect([other.gone.value, other.error.value]).toEqual([false, 'the host is stopping']);
    answers['/tickets/7'] = whole();
    other.retry();
    await vi.advanceTimersByTimeAsync(0);
    expect([other.whole.value?.id, other.error.value]).toEqual([7, null]);
    asked.length = 0;
    other.retry();
    expect(asked).toEqual([]);
  });

  test('that is deleted while it is read stays deleted', async () => {
    const rows = new TicketRows(7);
    const reading = rows.read();
    rows.removed();
    await reading;
    expect(rows.gone.value).toBe(true);
    rows.gate(gate);
    rows.removed();
    asked.length = 0;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked).toEqual([]);
  });
});

test('an event that comes while rows are read is newer than the answer', () => {
  const rows = new Rows<{ id: number; at: string }>();
  rows.begin();
  rows.put({ id: 1, at: 'event' });
  rows.remove(2);
  rows.take([
    { id: 1, at: 'answer' },
    { id: 2, at: 'answer' },
    { id: 3, at: 'answer' },
  ]);
  expect(rows.all.value).toEqual([
    { id: 1, at: 'event' },
    { id: 3, at: 'answer' },
  ]);
  rows.begin();
  rows.take([{ id: 1, at: 'answer' }]);
  expect(rows.all.value).toEqual([{ id: 1, at: 'answer' }]);
});

describe('the history', () => {
  const entry = (kind: string, rest: object = {}) => ({ id: 1, at: later(0), actor: 'operator', kind, ...rest });
  const name = (phase: string) => phase.replace('PHASE_', '').toLowerCase();

  test('says each thing in a sentence', () => {
    const way = { from_phase: 'PHASE_A', to_phase: 'PHASE_B' };
    expect(sentenceOf(entry('moved', way), name)).toBe('you moved it from a to b');
    expect(sentenceOf(entry('advanced', { ...way, actor: 'system' }), name)).toBe('Hive let it on from a to b');
    expect(sentenceOf(entry('regressed', { ...way, actor: 'vera' }), name)).toBe('vera sent it back from a to b');
    expect(sentenceOf(entry('waiting', { to_phase: 'PHASE_B' }), name)).toBe('it waits for room in b');
    expect(sentenceOf(entry('comment'), name)).toBe('you wrote');
    expect(reasonOf(entry('blocked', { reason: 'waiting_on_clarification: which one?' }))).toBe(
      'it waits for an answer: which one?',
    );
    expect(reasonOf(entry('blocked', { reason: 'budget: ' }))).toBe('its budget is used up');
    expect(reasonOf(entry('comment', { reason: 'note: x' }))).toBe('note: x');
  });

  test('of a failed gate names what it lacked, and the rework', () => {
    const failed = (id: number, seconds: number, reason = 'failed: no tests; no scope') =>
      entry('gate', { id, at: later(seconds), actor: 'system', reason });
    expect(sentenceOf(failed(1, 0), name)).toBe('Hive found that its gate fails');
    expect(reasonOf(failed(1, 0))).toBe('no tests; no scope');
    expect(sentenceOf(failed(1, 0, 'passed'), name)).toBe('Hive found that its gate passes');
    expect(reasonOf(failed(1, 0, 'passed'))).toBe('');
    // Of a host before this one.
    expect(reasonOf(failed(1, 0, 'failed'))).toBe('');
    const entries = [
      failed(1, 0),
      entry('comment', { id: 2 }),
      failed(3, 60),
      entry('gate', { id: 4, reason: 'passed' }),
    ];
    const made = (id: number, seconds: number, task_type = 'rework') =>
      task(id, { created_at: later(seconds), task_type });
    const tasks = [made(1, -60), made(5, 0), made(6, 1), made(7, 1, 'build'), made(8, 60)];
    expect(entries.map((one) => reworkOf(one, entries, tasks).map(({ id }) => id))).toEqual([[5, 6], [], [8], []]);
  });

  test('names a kind that this page does not know', () => {
    expect(happened(entry('merged_twice'), name)).toBe('merged twice');
  });
});

describe('a task’s look', () => {
  test('says why a pending one is not ready', () => {
    const held = (hold: string) => lookOf(task(1, { holds: [{ hold, reason: 'r' }] }));
    expect(lookOf(task(1)).word).toBe('ready');
    expect([held('dependency').word, held('operator').word, held('failed_dependency').tone]).toEqual([
      'waits',
      'held by you',
      'bad',
    ]);
    expect(lookOf(task(1, { status: 'unheard' })).word).toBe('unheard');
  });

  test('is said with its agent and its reasons', () => {
    const one = task(5, { holds: [{ hold: 'dependency', reason: 'waits for 4' }], agent: 'bob' });
    expect(spokenTask(one)).toBe('task 5: task 5, waits, bob, waits for 4');
  });
});

test('the content of an artifact is its text, or its data as text', () => {
  expect(contentText({ content: 'a' })).toBe('a');
  expect(contentText({ artifact_content: { a: 1 } })).toBe('{\n  "a": 1\n}');
  expect(contentText({})).toBeNull();
});

test('posts that are read join the shown ones without a gap', () => {
  const posts = (...ids: number[]) => ids.map((id) => ({ id }) as Parameters<typeof joined>[0][number]);
  const ids = (shown: readonly { id: number }[]) => shown.map(({ id }) => id);
  expect(ids(joined([], posts(3, 4)))).toEqual([3, 4]);
  expect(ids(joined(posts(3, 4), posts(1, 2)))).toEqual([1, 2, 3, 4]);
  expect(ids(joined(posts(1, 2, 3, 4), posts(3, 4, 5)))).toEqual([1, 2, 3, 4, 5]);
  expect(ids(joined(posts(1, 2), posts(7, 8)))).toEqual([7, 8]);
  expect(ids(joined(posts(1, 2), []))).toEqual([1, 2]);
});

describe('a criterion’s look', () => {
  const unmet = (kind: string) => ({ kind, text: 'a document', state: 'unmet', reason: 'missing' });
  const own = (status: string, rest: object = {}) => [task(1, { phase_id: gate.phase_id, status, ...rest })];

  test('is “not yet” while tasks that may still hand it in are open', () => {
    expect(criterionLook(unmet('artifact'), gate, own('running'))).toMatchObject({ tone: 'faint', words: 'not yet' });
    expect(criterionLook(unmet('metric'), gate, own('pending')).words).toBe('not yet');
  });

  test('is “not met” once they have ended, or the gate has failed', () => {
    expect(criterionLook(unmet('artifact'), gate, own('completed')).words).toBe('not met');
    expect(criterionLook(unmet('artifact'), gate, own('running', { phase_id: 'PHASE_OTHER' })).words).toBe('not met');
    expect(criterionLook(unmet('artifact'), gate, own('running', { kind: 'review' })).words).toBe('not met');
    expect(criterionLook(unmet('operator'), gate, own('running')).words).toBe('not met');
    expect(criterionLook(unmet('artifact'), { ...gate, gate_status: 'failed' }, own('running')).words).toBe('not met');
  });
});
