import { isMuted } from './actions';

/** Beside an agent's name while the operator has muted it. */
export function MutedMark({ name }: { name: string }) {
  return isMuted(name) ? (
    <span
      class="muted-mark"
      role="img"
      aria-label="muted"
      title="Muted: its things wait without notification and sound"
    >
      <span aria-hidden="true">♪</span>
    </span>
  ) : null;
}
