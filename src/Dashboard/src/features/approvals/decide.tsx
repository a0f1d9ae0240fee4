import type { ComponentChild } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { api } from '../../api/client';
import { words } from '../../api/refusal';
import type { Approval } from '../../api/types';
import { Act } from '../../ui/act';
import { Refused } from '../../ui/fault';
import { Label } from '../../ui/label';
import { bodyFault } from '../../ui/text/bytes';
import { Writing } from '../../ui/writing';
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
  const send = async (note: string) => {
    refuse(id, null);
    try {
      const body = note.trim() === '' ? {} : { note: note.trim() };
      await api.POST('/api/approvals/{id}/deny', { params: { path: { id } }, body });
    } catch (e) {
      // Shown outside the form, which may be gone.
      refuse(id, words(e));
      return false;
    }
    return null;
  };
  return (
    <Writing
      target={`deny:${id}.${requested_at}`}
      label={`Reason to deny approval ${id} (optional)`}
      placeholder="a reason (optional); the manager is told"
      send={{ label: 'DENY', plain: `Deny approval ${id} now`, tone: 'bad' }}
      faultOf={(note) => (note.trim() === '' ? null : bodyFault(note, 'a reason'))}
      lines={2}
      focused
      onSend={send}
      onLeave={onBack}
      beside={
        <button type="button" class="act" aria-label={`Do not deny approval ${id}`} onClick={onBack}>
          <Label text="‹ B4CK" />
        </button>
      }
    />
  );
}
