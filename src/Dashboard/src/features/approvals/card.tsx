import { memo } from 'preact/compat';
import type { Approval } from '../../api/types';
import { Age } from '../../ui/clock';
import { Label } from '../../ui/label';
import { AgentText } from '../files';
import { tombstones } from '../tombstones';
import { commitOf } from './approval';
import { Decide } from './decide';
import { DiffButton } from './diff-button';
import { putAside } from './state';
import { approvals } from './store';

const CHARS = 1200;

/** An approval that waits for the operator, or is under way. */
export const Card = memo(function Card({ approval }: { approval: Approval }) {
  const { id, status, requested_at } = approval;
  const building = status === 'building';
  return (
    <li class={`row approval ${building ? 'pending' : 'mine'}`} data-approval={id}>
      <div class="line">
        <What approval={approval} />
        {building ? (
          <span class="badge warn" role="status">
            <span class="spinner" aria-hidden="true" /> building …
          </span>
        ) : null}
        <span class="dim since">
          <Age at={requested_at} /> ago
        </span>
      </div>
      <Why approval={approval} />
      <Decide approval={approval} before={<DiffButton approval={approval} />} />
    </li>
  );
});

/** A failed approval: its error stays until the operator closes it, or a newer approval takes its place. */
export const Failure = memo(function Failure({ approval }: { approval: Approval }) {
  const { id, note, resolved_at } = approval;
  return (
    <li class="row approval failed" data-approval={id}>
      <div class="line">
        <What approval={approval} />
        <span class="badge bad">✗ failed</span>
        {resolved_at == null ? null : (
          <span class="dim since">
            <Age at={resolved_at} /> ago
          </span>
        )}
      </div>
      <div class="fault" role="alert">
        <AgentText text={note ?? 'no reason was given'} refs={[]} most={CHARS} />
      </div>
      <div class="line actions">
        <span class="dim">everything was rolled back</span>
        <span class="buttons">
          <DiffButton approval={approval} />
          <button
            type="button"
            class="act"
            aria-label={`Dismiss the failure of approval ${id}`}
            onClick={() => putAside(approval, approvals.decided.peek())}
          >
            <Label text="✓ S33N" />
          </button>
        </span>
      </div>
    </li>
  );
});

/** The subject of an approval, in badges. */
export function What({ approval }: { approval: Approval }) {
  const { id, agent, kind, requester } = approval;
  const commit = kind === 'apply_commit' ? commitOf(approval) : null;
  return (
    <>
      <span class="dim">#{id}</span>
      <span class="who">{agent === '' ? 'inputs' : agent}</span>
      <span class="badge info">{kind}</span>
      {commit === null ? null : (
        <span class="badge dim" title={approval.fetched_sha ?? approval.commit_ref}>
          {commit}
        </span>
      )}
      {requester == null ? null : <span class="dim">by {requester === 'operator' ? 'you' : requester}</span>}
    </>
  );
}

/** Why something is asked, in the words of who asks. */
export function Why({ approval }: { approval: Approval }) {
  const { agent, kind, description, runtime, inputs } = approval;
  const revives = kind === 'spawn' && tombstones.has(agent);
  return (
    <>
      {description == null || description === '' ? (
        <p class="dim why">no description</p>
      ) : (
        <AgentText text={description} refs={[]} most={CHARS} />
      )}
      {kind !== 'spawn' ? null : (
        <p class="line why">
          <span class={`badge ${runtime === 'process' ? 'orange' : 'dim'}`}>
            {runtime === 'process' ? 'process · no isolation' : (runtime ?? 'auto runtime')}
          </span>
          {revives ? <span class="badge warn">revives what is kept of {agent}</span> : null}
        </p>
      )}
      {kind !== 'update_inputs' ? null : (
        <p class="line why">
          {(inputs ?? []).map((input) => (
            <span key={input} class="badge dim">
              {input}
            </span>
          ))}
        </p>
      )}
    </>
  );
}
