import type { ComponentChild } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { api } from '../../api/client';
import { words } from '../../api/refusal';
import type { Approval } from '../../api/types';
import { type Action, isPending, perform } from '../../ui/action';
import { ActionButton } from '../../ui/action-button';
import { DraftMark } from '../../ui/draft-mark';
import { Refused } from '../../ui/fault';
import { focusDrawn } from '../../ui/focus';
import { decidedHere } from '../../ui/here';
import { useKey } from '../../ui/keys';
import { Label } from '../../ui/label';
import type { WithText } from '../../ui/registry';
import { AS_FILE, bodyFault } from '../../ui/text/bytes';
import { Writing } from '../../ui/writing';
import { whatIsAsked } from './approval';
import { refusals, refuse } from './state';
import { denyApproval } from './waiting';

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

/** The review of an approval in the document. */
export const areaOf = ({ id }: Approval): string => `[data-review="${id}"]`;

/** Yes or no, with a reason if there is one; <before> stands in front of the buttons. */
export function Decide({
  approval,
  before = null,
  keys = false,
  onDone,
}: {
  approval: Approval;
  before?: ComponentChild;
  /** `a` and `d` decide this one. */
  keys?: boolean;
  /** The host has the decision, and the focus is where it was made. */
  onDone?: () => void;
}) {
  const { id, status } = approval;
  const error = refusals.value.get(id) ?? null;
  const setError = (refusal: string | null) => refuse(id, refusal);
  const [denying, setDenying] = useState(false);
  const deny = useRef<HTMLButtonElement>(null);
  const building = status === 'building';
  const denial = denyApproval(approval);
  /** It can be taken back, or sent at once. */
  const held = isPending(denial.action(''));
  const approve = async (action: Action) => {
    const isHere = decidedHere(areaOf(approval));
    await perform(action);
    if (isHere()) onDone?.();
  };
  const startDenial = () => (held ? void perform(denial.action('')) : setDenying(true));
  useKey('approve', () => void approve(approveOf(approval, setError)), keys && !building && !held);
  useKey('deny', startDenial, keys && !building);
  return (
    <>
      {denying && !building && !held ? (
        <DenyForm
          approval={approval}
          denial={denial}
          onDone={onDone}
          onBack={() => {
            setDenying(false);
            // The pressed button is gone: the focus moves to the button in its place.
            focusDrawn(() => deny.current);
          }}
        />
      ) : (
        <div class="line actions">
          <span class="buttons">
            {before}
            <ActionButton
              action={approveOf(approval, setError)}
              working={building}
              disabled={held}
              hinted={false}
              run={approve}
            />
            {building ? null : (
              <button
                ref={deny}
                type="button"
                class="act bad apart"
                aria-label={held ? `Send the denial of approval ${id} now` : `Deny approval ${id}`}
                onClick={startDenial}
              >
                {held ? <Label text="▸ N0W" /> : <Label text="DENY" />}
                {denial.along === undefined ? null : <span class="dim"> with {denial.along}</span>}
                <DraftMark target={denial.target} />
              </button>
            )}
          </span>
        </div>
      )}
      <Refused error={error} onClose={() => setError(null)} />
    </>
  );
}

function DenyForm({
  approval,
  denial,
  onBack,
  onDone,
}: {
  approval: Approval;
  denial: WithText;
  onBack: () => void;
  onDone: (() => void) | undefined;
}) {
  const { id } = approval;
  const { target, placeholder, what, bodyOf = (text: string) => text } = denial;
  return (
    <Writing
      target={target}
      label={`Reason to deny approval ${id} (optional)`}
      placeholder={placeholder}
      send={{ label: 'DENY', plain: `Deny approval ${id} now`, tone: 'bad' }}
      bodyOf={bodyOf}
      reader={() => denial.reader}
      faultOf={(text, file) => (bodyOf(text) === '' ? null : bodyFault(bodyOf(text), what, AS_FILE, file))}
      lines={2}
      focused
      onSend={(body) => {
        refuse(id, null);
        const action = denial.action(body);
        const isHere = decidedHere(areaOf(approval));
        const sent = perform(action);
        if (isPending(action)) onBack();
        return sent.then((done) => {
          if (done && isHere()) onDone?.();
          return done;
        });
      }}
      onLeave={onBack}
      beside={
        <button type="button" class="act" aria-label={`Do not deny approval ${id}`} onClick={onBack}>
          <Label text="‹ B4CK" />
        </button>
      }
    />
  );
}
