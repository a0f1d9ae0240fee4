import { LABELS, labelSet, type Wired } from './labels';

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
