import { useRef, useState } from 'preact/hooks';
import type { Approval } from '../../api/types';
import { type Action, isPending, perform } from '../../ui/action';
import { ActionButton } from '../../ui/action-button';
import { DraftMark } from '../../ui/draft-mark';
import { focusDrawn } from '../../ui/focus';
import { decidedHere } from '../../ui/here';
import { useKey } from '../../ui/keys';
import { Label } from '../../ui/label';
import type { WithText } from '../../ui/registry';
import { AS_FILE, bodyFault } from '../../ui/text/bytes';
import { Writing } from '../../ui/writing';
import { approveApproval, denyApproval } from './waiting';

/** The review of an approval in the document. */
export const areaOf = ({ id }: Approval): string => `[data-review="${id}"]`;

/** Yes or no, with a reason if there is one. */
export function Decide({
  approval,
  keys = false,
  onDone,
}: {
  approval: Approval;
  /** `a` and `d` decide this one. */
  keys?: boolean;
  /** The host has the decision, and the focus is where it was made. */
  onDone?: () => void;
}) {
  const { status } = approval;
  const [denying, setDenying] = useState(false);
  const deny = useRef<HTMLButtonElement>(null);
  const building = status === 'building';
  const yes = approveApproval(approval);
  const denial = denyApproval(approval);
  // Either can be taken back, or sent at once; until then the other one rests.
  const [approved, denied] = [isPending(yes), isPending(denial.action(''))];
  const approve = async (action: Action) => {
    const isHere = decidedHere(areaOf(approval));
    const done = await perform(action);
    if (done && isHere()) onDone?.();
    return done;
  };
  const startDenial = () => (denied ? void perform(denial.action('')) : setDenying(true));
  useKey('approve', () => void approve(yes), keys && !building && !denied);
  useKey('deny', startDenial, keys && !building && !approved);
  return denying && !building && !denied && !approved ? (
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
        <ActionButton action={yes} working={building} disabled={denied} hinted={false} run={approve} />
        {building ? null : (
          <button ref={deny} type="button" class="act bad apart" disabled={approved} onClick={startDenial}>
            {denied ? <Label text="▸ N0W" of={`deny ${denial.of}`} /> : <Label text="DENY" of={denial.of} />}
            {denial.along === undefined ? null : <span class="dim"> with {denial.along}</span>}
            <DraftMark target={denial.target} />
          </button>
        )}
      </span>
    </div>
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
      send={{ label: 'DENY', plain: `Deny ${denial.of} now`, tone: 'bad' }}
      bodyOf={bodyOf}
      reader={() => denial.reader}
      faultOf={(text, file) => (bodyOf(text) === '' ? null : bodyFault(bodyOf(text), what, AS_FILE, file))}
      lines={2}
      focused
      onSend={(body) => {
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
