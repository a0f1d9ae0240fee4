import { beforeEach, expect, test, vi } from 'vitest';
import type { Approval, Waiting } from '../../api/types';
import { snapshotOf } from '../../test/loaded';
import type { WithText } from '../../ui/registry';

const host = vi.hoisted(() => ({ asked: [] as unknown[], refused: '' }));

vi.mock('../../api/client', () => ({
  api: {
    POST: async (path: string, { body }: { body: unknown }) => {
      host.asked.push([path, body]);
      if (path === host.refused) throw new Error('the host is away');
    },
  },
}));

const { keepNote } = await import('./notes');
const { approvals } = await import('./store');
const { approve, approveApproval, deny, denyApproval, proposeAgain } = await import('./waiting');
const { perform, refusal } = await import('../../ui/action');

const AT = '2026-05-01T12:00:00Z';
const approval = (id: number) =>
  ({ id, kind: 'spawn', agent: `a${id}`, status: 'pending', requested_at: AT, commit_ref: '' }) as Approval;
const row = (id: number) => ({ key: `approval-${id}`, id: String(id), since_at: AT, title: 'spawn' }) as Waiting;

beforeEach(() => {
  [host.asked, host.refused, refusal.value] = [[], '', null];
  approvals.snapshot(snapshotOf({ approvals: [approval(1), approval(2)] }));
});

test('a denial takes the comments on lines along, wherever it is made', async () => {
  keepNote(approval(1), { path: 'a.ts', line: 3, side: 'after', text: 'why?' });
  expect(deny(row(1)).along).toBe('1 comment');
  const send = ({ bodyOf, action }: WithText, text: string) => action(bodyOf?.(text) ?? text).run();
  await send(deny(row(1)), 'not yet');
  await send(denyApproval(approval(1)), '');
  await send(deny(row(2)), '');
  expect(host.asked).toEqual([
    ['/api/approvals/{id}/deny', { note: 'not yet\n\na.ts:3: why?' }],
    ['/api/approvals/{id}/deny', { note: 'a.ts:3: why?' }],
    ['/api/approvals/{id}/deny', {}],
  ]);
});

test('a decision is held, and is the same one in the list and in the review', () => {
  const denials = [deny(row(2)), denyApproval(approval(2))];
  expect(denials.map(({ target }) => target)).toEqual([`deny:2.${AT}`, `deny:2.${AT}`]);
  for (const { id, of, hold, to } of denials.map(({ action }) => action('')))
    expect([id, of, hold, to]).toEqual(['deny', '2: a new agent a2', true, '/changes/2']);
  const all = [...denials.map(({ action }) => action('')), approve(row(2)), approveApproval(approval(2))];
  expect(all.flatMap(({ things }) => things)).toEqual(all.map(() => 'approval 2'));
  for (const { id, of, hold, to } of [approve(row(2)), approveApproval(approval(2))])
    expect([id, of, hold, to]).toEqual(['approve', '2: a new agent a2', true, '/changes/2']);
});

test.each([
  ['pending', null, null],
  ['building', 'Approval 1 was approved elsewhere', 'approved and under way'],
  ['approved', 'Approval 1 was approved elsewhere', 'approved and carried out'],
  ['denied', 'Approval 1 was denied elsewhere', null],
  ['failed', 'Approval 1 has failed', 'approved, failed and rolled back'],
  [null, 'Approval 1 waits no longer', null],
])('an approval that is %s ends a held decision with “%s”, and the receipt says “%s”', (status, over, result) => {
  const now = status === null ? [] : [{ ...approval(1), status }];
  const isOpen = status === 'pending' || status === 'building';
  approvals.snapshot(snapshotOf({ approvals: isOpen ? now : [], approval_history: isOpen ? [] : now }));
  const action = approveApproval(approval(1));
  expect([action.over?.() ?? null, action.result?.() ?? null]).toEqual([over, result]);
});

test('a review that becomes a file is named as who asked sees it', () => {
  const readers = ['carol', 'operator'].map((requester) => denyApproval({ ...approval(1), requester }).reader);
  expect(readers).toEqual(['carol', '*']);
});

test('a change is proposed again once, also when the failed one cannot be put aside', async () => {
  const failed: Approval = { ...approval(7), kind: 'apply_commit', requester: 'operator', fetched_sha: 'abc' };
  host.refused = '/api/waiting/{key}/seen';
  const [again] = proposeAgain(failed);
  expect(again && (await perform(again))).toBe(true);
  expect(refusal.value).toBe('The change of a7 is proposed again. Not put aside: the host is away');
});
