import { memo } from 'preact/compat';
import { useEffect, useRef, useState } from 'preact/hooks';
import { post } from '../../api/client';
import { words } from '../../api/refusal';
import type { Approval } from '../../api/types';
import { swarm } from '../../live';
import { commitOf, hasDiff, whatIsAsked } from '../../model/approvals';
import { bodyFault } from '../../text/bytes';
import { Act, Submit } from '../../ui/act';
import { Age } from '../../ui/clock';
import { useDraft } from '../../ui/draft';
import { Fault, Refused } from '../../ui/fault';
import { useGrown } from '../../ui/grown';
import { Leet } from '../../ui/leet';
import { useSending } from '../../ui/sending';
import { diffOf, shown } from '../beside/state';
import { AgentText } from '../files/text';
import { putAside, refusals, refuse } from './state';

const CHARS = 1200;

/** One that waits for the operator, or is under way. */
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
      <Decide approval={approval} withDiff />
    </li>
  );
});

/** One that could not be done: its error stays until somebody has put it aside, or something newer has taken its place. */
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
        <span class="dim">everything is as it was before</span>
        <span class="buttons">
          <DiffButton approval={approval} />
          <button type="button" class="act" aria-label={`Put the failure of approval ${id} aside`} onClick={() => putAside(approval, swarm.decided.peek())}>
            <Leet text="✓ S33N" />
          </button>
        </span>
      </div>
    </li>
  );
});

/** What it is about, in badges. */
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

function Why({ approval }: { approval: Approval }) {
  const { agent, kind, description, runtime, inputs } = approval;
  const revives = kind === 'spawn' && swarm.tombstones.value.some(({ name }) => name === agent);
  return (
    <>
      {description == null || description === '' ? <p class="dim why">no description</p> : <AgentText text={description} refs={[]} most={CHARS} />}
      {kind !== 'spawn' ? null : (
        <p class="line why">
          <span class={`badge ${runtime === 'process' ? 'orange' : 'dim'}`}>{runtime === 'process' ? 'process · no isolation' : (runtime ?? 'auto runtime')}</span>
          {revives ? <span class="badge warn">takes up what is kept of {agent}</span> : null}
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

export function DiffButton({ approval }: { approval: Approval }) {
  if (!hasDiff(approval)) return null;
  const open = diffOf() === approval.id;
  return (
    <button type="button" class="act info" aria-label={`What approval ${approval.id} changes`} aria-expanded={open} onClick={() => (shown.value = open ? null : { diff: approval.id })}>
      <Leet text="± D1FF" />
    </button>
  );
}

/** Yes or no, with a reason if there is one. */
export function Decide({ approval, withDiff = false }: { approval: Approval; withDiff?: boolean }) {
  const { id, status } = approval;
  const error = refusals.value.get(id) ?? null;
  const setError = (refusal: string | null) => refuse(id, refusal);
  const [denying, setDenying] = useState(false);
  const deny = useRef<HTMLButtonElement>(null);
  const building = status === 'building';
  return (
    <>
      {denying && !building ? (
        <DenyForm
          approval={approval}
          onBack={() => {
            setDenying(false);
            // The button that was pressed has gone; the keyboard goes on at the one that stands in its place.
            requestAnimationFrame(() => deny.current?.focus());
          }}
        />
      ) : (
        <div class="line actions">
          <span class="buttons">
            {withDiff ? <DiffButton approval={approval} /> : null}
            {building ? null : (
              <button ref={deny} type="button" class="act bad" aria-label={`Deny approval ${id}`} onClick={() => setDenying(true)}>
                <Leet text="DENY" />
              </button>
            )}
            <Act label="◆ APPR0VE" plain={`Approve ${id}: ${whatIsAsked(approval)}`} tone="good" working={building} onError={setError} run={() => post(`/approve/${id}`)} />
          </span>
        </div>
      )}
      <Refused error={error} onClose={() => setError(null)} />
    </>
  );
}

function DenyForm({ approval, onBack }: { approval: Approval; onBack: () => void }) {
  const { id, requested_at } = approval;
  const box = useRef<HTMLTextAreaElement>(null);
  const [note, setNote] = useDraft(`deny.${id}.${requested_at}`);
  const { busy, error, setError, send: ask } = useSending();
  useGrown(box, note);
  useEffect(() => box.current?.focus(), []);
  const send = () =>
    ask(note.trim() === '' ? null : bodyFault(note, 'a reason'), async () => {
      refuse(id, null);
      try {
        await post(`/deny/${id}`, note.trim() === '' ? {} : { note: note.trim() });
        setNote('');
      } catch (e) {
        // Said where it is seen also when this form has gone.
        refuse(id, words(e));
      }
    });
  return (
    <form
      class="answer"
      aria-label={`Deny approval ${id}`}
      onSubmit={(e) => {
        e.preventDefault();
        void send();
      }}
    >
      <textarea
        ref={box}
        value={note}
        aria-label="Reason, if you want to give one"
        aria-invalid={error !== null}
        placeholder="a reason, if you want to give one; the manager is told it"
        onInput={(e) => {
          setNote(e.currentTarget.value);
          setError(null);
        }}
        onKeyDown={(e) => {
          if (e.isComposing) return;
          if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) {
            e.preventDefault();
            void send();
          } else if (e.key === 'Escape') {
            e.preventDefault();
            onBack();
          }
        }}
      />
      <div class="answer-foot">
        <span class="dim help">ctrl+enter denies · esc goes back</span>
        <span class="buttons">
          <button type="button" class="act" aria-label={`Do not deny approval ${id}`} onClick={onBack}>
            <Leet text="‹ B4CK" />
          </button>
          <Submit label="DENY" plain={`Deny approval ${id} now`} tone="bad solid" busy={busy} />
        </span>
      </div>
      <Fault error={error} />
    </form>
  );
}
