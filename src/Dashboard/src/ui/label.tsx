import { LABELS, labelSet, type Wired } from './labels';

/**
 * A label in the shown set. Its accessible name is the plain one in both: the wired spelling is not read out. <of>: the
 * rest of the accessible name, such as what a button acts on.
 */
export function Label({ text, of }: { text: Wired; of?: string }) {
  const plain = LABELS[text];
  const rest = of === undefined ? null : <span class="hidden"> {of}</span>;
  if (labelSet.value === 'plain')
    return (
      <span class="label">
        {plain}
        {rest}
      </span>
    );
  return (
    <span class="label">
      <span aria-hidden="true">{text}</span>
      <span class="hidden">{plain}</span>
      {rest}
    </span>
  );
}
