import { useState } from 'preact/hooks';
import { words } from '../api/refusal';
import { isBehind, REFUSED } from './behind';
import { confirmed, type Question } from './confirm';
import { LABELS, labelSet, type Wired } from './labels';

interface Props {
  label: Wired;
  /** The plain name of the button, for screen readers. */
  plain: string;
  tone?: 'primary' | 'good' | 'warn' | 'bad' | 'info';
  disabled?: boolean;
  /** The host is working on it, at anybody's request. */
  working?: boolean;
  confirm?: Question;
  run: () => Promise<unknown>;
  /** Gets the error, or null when a new try begins. */
  onError: (error: string | null) => void;
}

/** A button for one action of the host: it shows a spinner while the host works, and gives an error to its row. */
export function Act({ label, plain, tone, disabled, working, confirm, run, onError }: Props) {
  const [asked, setAsked] = useState(false);
  const busy = asked || working === true;
  const act = async () => {
    if (busy || (confirm !== undefined && !(await confirmed(confirm)))) return;
    setAsked(true);
    onError(null);
    try {
      await run();
    } catch (e) {
      onError(words(e));
    } finally {
      setAsked(false);
    }
  };
  return (
    <button
      type="button"
      class={`act ${tone ?? ''}`}
      title={isBehind.value ? `${plain} · ${REFUSED}` : plain}
      {...(isBehind.value ? { 'aria-describedby': 'behind' } : {})}
      aria-busy={busy}
      {...(confirm === undefined ? {} : { 'aria-haspopup': 'dialog' as const })}
      // Without the attribute `disabled` it keeps the focus while the host works.
      aria-disabled={busy}
      disabled={disabled === true}
      onClick={() => void act()}
    >
      <Face label={label} plain={plain} busy={busy} />
    </button>
  );
}

interface Submit {
  label: Wired;
  plain: string;
  tone: string;
  busy: boolean;
  disabled?: boolean;
}

/** The button that sends a form; it shows a spinner while the host works. */
export function Submit({ label, plain, tone, busy, disabled }: Submit) {
  return (
    <button type="submit" class={`act ${tone}`} aria-busy={busy} aria-disabled={busy} disabled={disabled === true}>
      <Face label={label} plain={plain} busy={busy} />
    </button>
  );
}

/** The button's label; its accessible name is the plain one, as text, so that no label covers what is drawn. */
function Face({ label, plain, busy }: { label: Wired; plain: string; busy: boolean }) {
  const own = LABELS[label];
  const isPlain = labelSet.value === 'plain';
  return (
    <>
      {busy ? <span class="spinner" aria-hidden="true" /> : null}
      {isPlain && plain.startsWith(own) ? (
        <span class="label">
          {own}
          <span class="hidden">{plain.slice(own.length)}</span>
        </span>
      ) : (
        <span class="label">
          <span aria-hidden="true">{isPlain ? own : label}</span>
          <span class="hidden">{plain}</span>
        </span>
      )}
    </>
  );
}
