import type { ComponentChild } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../../api/client';
import { words } from '../../api/refusal';
import type { Approval } from '../../api/types';
import { Act, Submit } from '../../ui/act';
import { useDraft } from '../../ui/draft';
import { Fault, Refused } from '../../ui/fault';
import { useGrown } from '../../ui/grown';
import { Label } from '../../ui/label';
import { useSending } from '../../ui/sending';
import { bodyFault } from '../../ui/text/bytes';
import { whatIsAsked } from './approval';
import { refusals, refuse } from './state';

/** Yes or no, with a reason if there is one; <before> stands in front of the buttons. */
export function Decide({ approval, before = null }: { approval: Approval; before?: ComponentChild }) {
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
            // The pressed button is gone: the focus moves to the button in its place.
            requestAnimationFrame(() => deny.current?.focus());
          }}
        />
      ) : (
        <div class="line actions">
          <span class="buttons">
            {before}
            {building ? null : (
              <button
                ref={deny}
                type="button"
                class="act bad"
                aria-label={`Deny approval ${id}`}
                onClick={() => setDenying(true)}
              >
                <Label text="DENY" />
              </button>
            )}
            <Act
              label="◆ APPR0VE"
              plain={`Approve ${id}: ${whatIsAsked(approval)}`}
              tone="good"
              working={building}
              onError={setError}
              run={() => api.POST('/api/approvals/{id}/approve', { params: { path: { id } } })}
            />
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
        const body = note.trim() === '' ? {} : { note: note.trim() };
        await api.POST('/api/approvals/{id}/deny', { params: { path: { id } }, body });
        setNote('');
      } catch (e) {
        // Shown outside the form, which may be gone.
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
        aria-label="Reason (optional)"
        aria-invalid={error !== null}
        placeholder="a reason (optional); the manager is told"
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
            <Label text="‹ B4CK" />
          </button>
          <Submit label="DENY" plain={`Deny approval ${id} now`} tone="bad solid" busy={busy} />
        </span>
      </div>
      <Fault error={error} />
    </form>
  );
}
