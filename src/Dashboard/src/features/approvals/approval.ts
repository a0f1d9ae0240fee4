import type { Approval } from '../../api/types';

/** The number of decided approvals that the host lists. */
export const DECIDED = 50;

/** The latest decision first. */
export const byResolution = (a: Approval, b: Approval): number =>
  (b.resolved_at ?? '').localeCompare(a.resolved_at ?? '') || b.id - a.id;

/** The commit, short enough for a badge: what was fetched rather than what was asked for. */
export const commitOf = ({ fetched_sha, commit_ref }: Approval): string | null => {
  const name = fetched_sha != null && fetched_sha !== '' ? fetched_sha : commit_ref;
  return name === '' ? null : name.slice(0, 12);
};

/** The effect of an approval, in a few words. */
export function whatIsAsked(approval: Approval): string {
  if (approval.kind === 'spawn') return `a new agent ${approval.agent}`;
  if (approval.kind === 'update_inputs') return `updated inputs: ${(approval.inputs ?? []).join(', ') || 'all'}`;
  return `commit ${commitOf(approval) ?? ''} for ${approval.agent}`;
}

/** The tag that the decision left in the agent's applied repository; null without one. */
export function tagOf({ id, kind, status, fetched_sha }: Approval): string | null {
  if (kind === 'spawn') return status === 'approved' ? 'deployed/0' : null;
  if (kind !== 'apply_commit' || fetched_sha == null) return null;
  return status === 'approved'
    ? `deployed/${id}`
    : status === 'denied' || status === 'failed'
      ? `${status}/${id}`
      : null;
}

/** Only a commit changes files. */
export const hasDiff = (approval: Approval): boolean =>
  approval.kind === 'apply_commit' && approval.fetched_sha != null;
