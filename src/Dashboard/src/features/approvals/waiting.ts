import { api } from '../../api/client';
import { words } from '../../api/refusal';
import type { Approval, Waiting } from '../../api/types';
import type { Action } from '../../ui/action';
import { refusal } from '../../ui/refused';
import type { WithText } from '../../ui/registry';
import { counted } from '../../ui/text/figures';
import { whatIsAsked } from './approval';
import { type LineNote, notesOf, reasonWith } from './notes';
import { approvals } from './store';

const nameOf = ({ id, title }: Waiting): string => `${id}: ${title}`;

/** An approval that the page knows, waiting or decided. */
const found = (id: number): Approval | undefined =>
  [...approvals.open.value, ...approvals.decided.value].find((approval) => approval.id === id);

/** Why an approval cannot be decided any more; null while it waits. */
function overWith(id: number): string | null {
  const status = found(id)?.status;
  if (status === 'pending') return null;
  if (status === 'failed') return `Approval ${id} has failed`;
  return status === undefined
    ? `Approval ${id} waits no longer`
    : `Approval ${id} was ${status === 'denied' ? 'denied' : 'approved'} elsewhere`;
}

/** What came of an approved change so far. */
const RESULTS: Readonly<Record<string, string>> = {
  building: 'approved and under way',
  approved: 'approved and carried out',
  failed: 'approved, failed and rolled back',
};

/** The parts that every decision has. */
const decision = (id: number) => ({
  hold: true,
  things: [`approval ${id}`],
  over: () => overWith(id),
  to: `/changes/${id}`,
});

const approving = (id: number, of: string): Action => ({
  id: 'approve',
  label: '◆ APPR0VE',
  of,
  key: 'approve',
  weight: 'primary',
  ...decision(id),
  result: () => RESULTS[found(id)?.status ?? ''] ?? null,
  run: () => api.POST('/api/approvals/{id}/approve', { params: { path: { id } } }),
});

const named = (one: Approval): string => `${one.id}: ${whatIsAsked(one)}`;

/** Approves, wherever it is shown. */
export const approveApproval = (one: Approval): Action => approving(one.id, named(one));

/** Approves what waits. */
export const approve = (row: Waiting): Action => {
  const known = found(Number(row.id));
  return known === undefined ? approving(Number(row.id), nameOf(row)) : approveApproval(known);
};

/** Proposes the operator's own change of a configuration again, on top of what was deployed in the meantime. */
export const proposeAgain = ({ id, agent, kind, requester, fetched_sha }: Approval): Action[] =>
  kind !== 'apply_commit' || requester !== 'operator' || fetched_sha == null
    ? []
    : [
        {
          id: 'propose-again',
          label: '↻ PR0P0S3 4G41N',
          of: `the change of ${agent}`,
          weight: 'primary',
          run: async () => {
            await api.POST('/api/approvals/{id}/propose-again', { params: { path: { id } } });
            // The failed one has its successor. The proposal is made: a failure from here on must not make it again.
            const params = { path: { key: `approval_failed-${id}` } };
            await api.POST('/api/waiting/{key}/seen', { params }).catch((e: unknown) => {
              refusal.value = `The change of ${agent} is proposed again. Not put aside: ${words(e)}`;
            });
          },
        },
      ];

/** The same where it waits. */
export function proposeAgainOf(row: Waiting): Action[] {
  const failed = found(Number(row.id));
  return failed === undefined ? [] : proposeAgain(failed);
}

/** The draft of the reason to deny what waits. */
export const denialDraft = ({ id, since_at }: Pick<Waiting, 'id' | 'since_at'>): string => `deny:${id}.${since_at}`;

/** Denies with a reason for who asked, if there is one, and with the operator's comments on lines. */
function denial(
  row: Pick<Waiting, 'id' | 'since_at'>,
  of: string,
  notes: readonly LineNote[],
  requester = '*',
): WithText {
  const id = Number(row.id);
  return {
    id: 'deny',
    label: 'DENY',
    of,
    key: 'deny',
    weight: 'danger',
    target: denialDraft(row),
    placeholder: 'a reason (optional); who asked is told',
    optional: true,
    what: notes.length === 0 ? 'a reason' : 'a reason with its comments',
    // A file is named as its reader sees it.
    reader: requester,
    ...(notes.length === 0 ? {} : { along: counted(notes.length, 'comment') }),
    bodyOf: (reason) => reasonWith(reason, notes),
    action: (note) => ({
      id: 'deny',
      label: 'DENY',
      of,
      weight: 'danger',
      ...decision(id),
      text: note,
      run: () => api.POST('/api/approvals/{id}/deny', { params: { path: { id } }, body: note === '' ? {} : { note } }),
    }),
  };
}

/** Denies an approval, wherever it is shown. */
export const denyApproval = (approval: Approval): WithText => {
  const { id, requested_at: since_at, requester } = approval;
  return denial(
    { id: String(id), since_at },
    named(approval),
    notesOf(approval).notes,
    requester === 'operator' ? '*' : requester,
  );
};

/** Denies what waits, with what was noted in its review. */
export const deny = (row: Waiting): WithText => {
  const known = found(Number(row.id));
  return known === undefined ? denial(row, nameOf(row), []) : denyApproval(known);
};
