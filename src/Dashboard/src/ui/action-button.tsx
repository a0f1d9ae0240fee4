import { useState } from 'preact/hooks';
import { type Action, isPending, perform } from './action';
import { isBehind, REFUSED } from './behind';
import { keyOf } from './keys';
import { Label } from './label';
import { LABELS } from './labels';

const WEIGHTS = { primary: 'primary', plain: '', danger: 'bad' } as const;

interface Props {
  action: Action;
  disabled?: boolean;
  /** The host is working on it, at anybody's request. */
  working?: boolean;
  tone?: 'warn' | 'info';
  /** False: the tab key passes it, since the keys of its row do the same. */
  stop?: boolean;
  /** Its key is shown on it, not only in its tooltip. */
  hinted?: boolean;
  /** Runs the action, where more than the action follows. */
  run?: (action: Action) => Promise<unknown>;
}

/** A button for an action, with its key. While the action is held, the button sends it at once. */
export function ActionButton({
  action,
  disabled = false,
  working = false,
  tone,
  stop = true,
  hinted = true,
  run = perform,
}: Props) {
  const [asked, setAsked] = useState(false);
  const { label, of, key, weight = 'plain', confirm } = action;
  const held = isPending(action);
  const busy = working || (asked && !held);
  const hint = key === undefined ? '' : keyOf(key);
  const act = async () => {
    if (busy) return;
    setAsked(true);
    await run(action);
    setAsked(false);
  };
  return (
    <button
      type="button"
      class={`act ${tone ?? WEIGHTS[weight]}`}
      title={`${LABELS[label]} ${of}${hint === '' ? '' : ` (${hint})`}${isBehind.value ? ` · ${REFUSED}` : ''}`}
      {...(isBehind.value ? { 'aria-describedby': 'behind' } : {})}
      aria-busy={busy}
      // Without the attribute `disabled` it keeps the focus while the host works.
      aria-disabled={busy}
      disabled={disabled}
      {...(stop ? {} : { tabIndex: -1 })}
      {...(confirm === undefined ? {} : { 'aria-haspopup': 'dialog' as const })}
      onClick={(e) => {
        // The second half of a double click does not send what the first has only just begun to hold.
        if (!held || e.detail < 2) void act();
      }}
    >
      {busy ? <span class="spinner" aria-hidden="true" /> : null}
      {held ? <Label text="▸ N0W" of={`${LABELS[label].toLowerCase()} ${of}`} /> : <Label text={label} of={of} />}
      {hint === '' || !hinted ? null : (
        <span class="keycap" aria-hidden="true">
          {hint}
        </span>
      )}
    </button>
  );
}
