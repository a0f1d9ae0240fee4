import type { ComponentChild } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { api } from '../../api/client';
import { words } from '../../api/refusal';
import type { Approval } from '../../api/types';
import { Act } from '../../ui/act';
import { type Action, perform } from '../../ui/action';
import { Refused } from '../../ui/fault';
import { useKey } from '../../ui/keys';
import { Label } from '../../ui/label';
import { bodyFault } from '../../ui/text/bytes';
import { Writing } from '../../ui/writing';
import { whatIsAsked } from './approval';
import { notesOf, reasonWith } from './notes';
import { refusals, refuse } from './state';

/** Approves; nothing waits for it, so it is sent at once. */
const approveOf = (approval: Approval, onError: (refusal: string | null) => void): Action => ({
  id: 'approve',
  label: '◆ APPR0VE',
  of: `${approval.id}: ${whatIsAsked(approval)}`,
  key: 'approve',
  weight: 'primary',
  run: async () => {
    onError(null);
    try {
      await api.POST('/api/approvals/{id}/approve', { params: { path: { id: approval.id } } });
    } catch (e) {
      // Shown beside the approval, which somebody else may have decided.
      onError(words(e));
    }
  },
});

/** Yes or no, with a reason if there is one; <before> stands in front of the buttons. */
export function Decide({
  approval,
  before = null,
  keys = false,
}: {
  approval: Approval;
  before?: ComponentChild;
  /** `a` and `d` decide this one. */
  keys?: boolean;
}) {
  const { id, status } = approval;
  const error = refusals.value.get(id) ?? null;
  const setError = (refusal: string | null) => refuse(id, refusal);
  const [denying, setDenying] = useState(false);
  const deny = useRef<HTMLButtonElement>(null);
  const building = status === 'building';
  const { notes } = notesOf(approval);
  const approve = () => perform(approveOf(approval, setError));
  useKey('approve', () => void approve(), keys && !building);
  useKey('deny', () => setDenying(true), keys && !building);
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
                {notes.length === 0 ? null : (
                  <span class="dim">
                    {' '}
                    with {notes.length} {notes.length === 1 ? 'comment' : 'comments'}
                  </span>
                )}
              </button>
            )}
            <Act
              label="◆ APPR0VE"
              plain={`Approve ${id}: ${whatIsAsked(approval)}`}
              tone="good"
              working={building}
              onError={setError}
              run={approve}
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
  const { notes } = notesOf(approval);
  const send = async (note: string) => {
    refuse(id, null);
    try {
      const reason = reasonWith(note, notes);
      const body = reason === '' ? {} : { note: reason };
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
      faultOf={(note) => {
        const reason = reasonWith(note, notes);
        return reason === '' ? null : bodyFault(reason, notes.length > 0 ? 'a reason with its comments' : 'a reason');
      }}
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
