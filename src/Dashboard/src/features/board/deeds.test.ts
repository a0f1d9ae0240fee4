import { beforeEach, describe, expect, test, vi } from 'vitest';
import { card, columns, task, workflow } from '../../test/board-rows';
import { snapshotOf } from '../../test/loaded';
import { filled } from '../../test/routes';

const asked: { method: string; path: string; body: unknown }[] = [];
const note =
  (method: string) =>
  async (...[path, init]: Parameters<typeof filled>) =>
    void asked.push({ method, ...filled(path, init) });
vi.mock('../../api/client', async (original) => ({
  ...(await original<object>()),
  api: { POST: note('POST'), PATCH: note('PATCH'), DELETE: note('DELETE') },
}));

const {
  actionsOf,
  blockOrUnblock,
  block,
  commentText,
  deleteTicket,
  force,
  forceInto,
  holdOrRelease,
  moveAbove,
  moveChoices,
  moveTo,
  sendBack,
} = await import('./deeds');
const { approveTicket, failReview, passInPlace, passReview, rejectTicket } = await import('./actions');
const { taskActions } = await import('./ticket/deeds');
const { board } = await import('./store');
const { asked: palette } = await import('../../ui/registry');

beforeEach(() => {
  asked.length = 0;
  palette.value = null;
  board.snapshot(snapshotOf({ board: columns(), workflows: [workflow()] }));
  board.reading()([card(1)]);
});

const ids = (actions: readonly { id: string }[]) => actions.map(({ id }) => id);
/** The text step behind a choice of the palette's open question. */
const textBehind = (id: string) =>
  palette.value
    ?.entries?.('')
    .find((entry) => entry.id === id)
    ?.asks?.().text;

test.each([
  ['ticket 1', approveTicket, rejectTicket],
  ['review 1', passReview, failReview],
  ['review 1', passInPlace, failReview],
])('opposite decisions on %s name it', (thing, yes, no) => {
  const one = { id: 1, title: 'a' };
  expect([yes(one).things, no(one).action('why').things]).toEqual([[thing], [thing]]);
});

describe('what can be done with a ticket', () => {
  test('is to decide it while it needs an approval', () => {
    expect(ids(actionsOf(card(1, { status: 'pending_review' }), () => null))).toEqual([
      'approve-ticket',
      'reject-ticket',
      'comment',
      'delete-ticket',
    ]);
  });

  test('is to comment on it and to delete it once it has ended', () => {
    const ended = card(1, { done_at: '2026-05-01T12:00:00Z' });
    expect(ids(actionsOf(ended, () => null))).toEqual(['comment', 'delete-ticket']);
  });

  test('is offered by one key and one name each', () => {
    const all = actionsOf(card(1), () => null);
    const keys = all.flatMap(({ key }) => key ?? []);
    expect(new Set(keys).size).toBe(keys.length);
    expect(new Set(all.map(({ label }) => label)).size).toBe(all.length);
  });

  test('is asked before it is deleted, and said what goes with it', () => {
    expect(deleteTicket(card(7)).confirm).toMatchObject({ yes: 'Delete ticket 7 for good', no: 'Keep ticket 7' });
  });
});

test('the menu of moves has the columns that the workflow allows, by their names', () => {
  const moves = moveChoices(card(1, { phase_id: 'PHASE_TEST' }));
  expect(moves.map(({ shown, id }) => shown ?? id)).toEqual(['Building', 'Done', 'send-back', 'force']);
});

test('a blocked ticket that is put back to its own column is unblocked, and moved to another one', async () => {
  const blocked = card(1, { phase_id: 'PHASE_BUILD', blocked: 'budget', blocked_reason: 'none left' });
  const [, building, testing] = columns();
  if (building === undefined || testing === undefined) throw new Error('the board has these columns');
  await moveTo(blocked, building);
  await moveTo(blocked, testing);
  expect(asked).toEqual([
    { method: 'POST', path: '/tickets/1/unblock', body: undefined },
    { method: 'POST', path: '/tickets/1/transition', body: { to_phase: 'PHASE_TEST' } },
  ]);
});

test('a block asks for its type and its reason, and is taken back', async () => {
  await block(card(1)).run();
  const action = textBehind('block environment')?.action('the VPN is down');
  await action?.run();
  await action?.undo?.();
  expect(asked).toEqual([
    { method: 'POST', path: '/tickets/1/block', body: { type: 'environment', reason: 'the VPN is down' } },
    { method: 'POST', path: '/tickets/1/unblock', body: undefined },
  ]);
  asked.length = 0;
  const blocked = card(1, { blocked: 'budget', blocked_reason: 'none left' });
  await blockOrUnblock(blocked).undo?.();
  await blockOrUnblock(card(1, { blocked: 'budget', blocked_reason: '' })).undo?.();
  expect(asked.map(({ body }) => body)).toEqual([{ type: 'budget', reason: 'none left' }, { type: 'budget' }]);
});

test('a card that is dropped above another one is placed there once it has been moved', async () => {
  const [, building] = columns();
  if (building === undefined) throw new Error('the board has this column');
  await moveAbove(card(1), building, 7);
  expect(asked).toEqual([
    { method: 'POST', path: '/tickets/1/transition', body: { to_phase: 'PHASE_BUILD' } },
    { method: 'PATCH', path: '/tickets/1', body: { before: 7 } },
  ]);
});

test('a ticket goes back to an earlier phase with feedback, and anywhere by force with a reason', async () => {
  const one = card(1, { phase_id: 'PHASE_TEST' });
  await sendBack(one).run();
  expect(palette.value?.entries?.('').map(({ title }) => title)).toEqual(['Building']);
  await textBehind('back PHASE_BUILD')?.action('no error cases').run();
  await force(one).run();
  expect(palette.value?.entries?.('').map(({ title }) => title)).toEqual(['Backlog', 'Building', 'Done']);
  await textBehind('force PHASE_DONE')?.action('agreed with Ana').run();
  expect(asked).toEqual([
    { method: 'POST', path: '/tickets/1/regress', body: { to_phase: 'PHASE_BUILD', reason: 'no error cases' } },
    {
      method: 'POST',
      path: '/tickets/1/transition',
      body: { to_phase: 'PHASE_DONE', reason: 'agreed with Ana', force: true },
    },
  ]);
});

test('a ticket is sent back and forced only after the time to take that back', async () => {
  const one = card(1, { phase_id: 'PHASE_TEST' });
  await sendBack(one).run();
  expect(textBehind('back PHASE_BUILD')?.action('no error cases').hold).toBe(true);
  await force(one).run();
  expect(textBehind('force PHASE_DONE')?.action('agreed with Ana').hold).toBe(true);
  await block(one).run();
  expect(textBehind('block budget')?.action('none left').hold).toBeUndefined();
});

test('holding is taken back by releasing', async () => {
  const { run, undo } = holdOrRelease(card(1));
  await run();
  await undo?.();
  expect(asked.map(({ path }) => path)).toEqual(['/tickets/1/hold', '/tickets/1/release']);
});

test('a comment keeps a draft of its own for each ticket', () => {
  expect(commentText(card(1)).target).not.toBe(commentText(card(2)).target);
});

describe('what can be done with a task', () => {
  test('depends on its state', () => {
    expect(ids(taskActions(task(1)))).toEqual(['hold-task', 'skip-task', 'task-priority', 'cancel-task']);
    expect(ids(taskActions(task(1, { status: 'running', agent: 'bob' })))).toEqual(['task-priority', 'cancel-task']);
    expect(ids(taskActions(task(1, { status: 'failed' })))).toEqual(['retry-task', 'skip-task']);
    expect(taskActions(task(1, { status: 'completed' }))).toEqual([]);
    expect(ids(taskActions(task(1, { status: 'failed', kind: 'review' })))).toEqual(['retry-task']);
  });

  test('asks before it ends an agent’s turn, and holds the rest', () => {
    const cancel = (status: string) => taskActions(task(1, { status, agent: 'bob' })).at(-1);
    expect(cancel('running')?.confirm?.text).toContain('bob works on it');
    for (const status of ['pending', 'reviewing'])
      expect([cancel(status)?.confirm, cancel(status)?.hold]).toEqual([undefined, true]);
  });
});

test('a refused move is forced where it was to go, with a reason', async () => {
  await forceInto(card(1), 'PHASE_TEST').run();
  const text = palette.value?.text;
  expect([palette.value?.title, text?.target]).toEqual(['Force ticket 1 into Testing', 'force:1']);
  await text?.action('it is tested').run();
  expect(asked).toEqual([
    {
      method: 'POST',
      path: '/tickets/1/transition',
      body: { to_phase: 'PHASE_TEST', reason: 'it is tested', force: true },
    },
  ]);
});
