import type { Approval } from '../../api/types';
import { AgentText } from '../files';
import { tombstones } from '../tombstones';
import { commitOf } from './approval';

const CHARS = 1200;

/** The subject of an approval, in badges. */
export function What({ approval }: { approval: Approval }) {
  const { id, agent, kind, requester } = approval;
  const commit = kind === 'apply_commit' ? commitOf(approval) : null;
  return (
    <>
      <span class="dim">#{id}</span>
      <span>{agent === '' ? 'inputs' : agent}</span>
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
