import type { ComponentChildren } from 'preact';
import { Label } from './label';

/** An error beside its cause, with the way out. */
export function Fault({ error, children }: { error: string | null; children?: ComponentChildren }) {
  if (error === null) return null;
  return (
    <p class="refused" role="alert">
      <span>
        ⚠ <bdi>{error}</bdi>
      </span>
      {children}
    </p>
  );
}

/** An action's refusal, until somebody has seen it. */
export function Refused({ error, onClose }: { error: string | null; onClose: () => void }) {
  return (
    <Fault error={error}>
      <button type="button" class="plain" aria-label="Dismiss the error" onClick={onClose}>
        ✗
      </button>
    </Fault>
  );
}

interface ReadFaultProps {
  error: string | null;
  /** The plain name of the button, for screen readers. */
  plain: string;
  reading?: boolean;
  onRetry: () => void;
}

/** Something that could not be read, and another try at it. */
export function ReadFault({ error, plain, reading, onRetry }: ReadFaultProps) {
  return (
    <Fault error={error}>
      <button type="button" class="act" aria-label={plain} disabled={reading === true} onClick={onRetry}>
        <Label text="↻ R3TRY" />
      </button>
    </Fault>
  );
}
