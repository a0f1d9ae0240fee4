import type { Approval } from '../../api/types';
import { Link } from '../../ui/link';
import type { WaitingDetail } from '../../ui/registry';
import { AgentText } from '../files';
import { commitOf, hasDiff } from './approval';
import { Changes } from './diff';
import { approvals } from './store';

const CHARS = 2000;

/** An approval that the operator has not decided: what is asked, why, by whom, and what it changes. */
export function ApprovalDetail({ row }: WaitingDetail) {
  const approval = approvals.open.value.find(({ id }) => String(id) === row.id);
  if (approval === undefined) return <AgentText text={row.title} refs={[]} />;
  return (
    <div class="feature-approvals" data-approval={approval.id}>
      <Facts approval={approval} />
      {approval.description == null || approval.description === '' ? (
        <p class="dim">No description was given.</p>
      ) : (
        <AgentText text={approval.description} refs={[]} most={CHARS} />
      )}
      {hasDiff(approval) ? <Changes approval={approval} /> : null}
      <Review approval={approval} />
    </div>
  );
}

/** One that was approved and could not be carried out. */
export function FailedDetail({ row }: WaitingDetail) {
  const approval = approvals.decided.value.find(({ id }) => String(id) === row.id);
  const why = approval?.note ?? row.detail;
  return (
    <div class="feature-approvals" data-approval={row.id}>
      {approval === undefined ? <AgentText text={row.title} refs={[]} /> : <Facts approval={approval} />}
      <p class="note bad">
        <bdi>{why ?? 'no reason was given'}</bdi>
      </p>
      <p class="dim">Everything was rolled back.</p>
      {approval === undefined ? null : <Review approval={approval} />}
    </div>
  );
}

function Facts({ approval }: { approval: Approval }) {
  const { kind, agent, requester, runtime, inputs } = approval;
  const commit = commitOf(approval);
  return (
    <p class="line">
      <span>
        {kind === 'spawn' ? 'A new agent ' : kind === 'update_inputs' ? 'Updated inputs ' : 'Commit '}
        <bdi class="mono">
          {kind === 'spawn' ? agent : kind === 'update_inputs' ? (inputs ?? []).join(', ') || 'all' : (commit ?? '')}
        </bdi>
        {kind === 'apply_commit' ? (
          <>
            {' for '}
            <bdi class="mono">{agent}</bdi>
          </>
        ) : null}
      </span>
      {kind === 'spawn' ? (
        <span class={runtime === 'process' ? 'tone-warn' : 'dim'}>
          {runtime === 'process' ? 'as a process, without isolation' : `runtime ${runtime ?? 'auto'}`}
        </span>
      ) : null}
      <span class="dim">
        asked by <bdi>{requester === 'operator' ? 'you' : (requester ?? 'nobody')}</bdi>
      </span>
    </p>
  );
}

function Review({ approval }: { approval: Approval }) {
  return (
    <p>
      <Link to={`/changes/${approval.id}`}>Show it among the changes</Link>
    </p>
  );
}
