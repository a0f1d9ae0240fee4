import { useEffect } from 'preact/hooks';
import { now } from './clock';
import { keyOf, useKey } from './keys';
import { Label } from './label';
import { LABELS } from './labels';
import {
  cameBack,
  pauseToast,
  resumeToast,
  sendBeforeLeaving,
  type Toast,
  tellOfLeft,
  toasts,
  undoLatest,
} from './undo';

/** The deeds that were done or are held, with the way back. It takes no focus. */
export function Toasts() {
  useKey('undo', undoLatest, true, 'shell');
  useEffect(() => {
    tellOfLeft((label) => LABELS[label]);
    addEventListener('pagehide', sendBeforeLeaving);
    addEventListener('pageshow', cameBack);
    return () => {
      removeEventListener('pagehide', sendBeforeLeaving);
      removeEventListener('pageshow', cameBack);
    };
  }, []);
  return (
    <div class="toasts" role="status" aria-label="Done and held">
      {toasts.value.map((toast) => (
        <Said key={toast.id} toast={toast} />
      ))}
    </div>
  );
}

const STATES: Record<Toast['state'], string> = {
  held: 'held',
  away: 'waits for the host',
  done: 'done',
  undone: 'taken back',
  sent: 'was being sent as the page was left',
};

function Said({ toast: { id, label, of, state, until, undo, now: send } }: { toast: Toast }) {
  const key = keyOf('undo');
  return (
    <div
      class={`toast ${state}`}
      data-state={state}
      onPointerEnter={() => pauseToast(id, 'pointer')}
      onPointerLeave={() => resumeToast(id, 'pointer')}
      onFocusIn={() => pauseToast(id, 'focus')}
      onFocusOut={() => resumeToast(id, 'focus')}
    >
      <span class="toast-words">
        <Label text={label} /> <bdi>{of}</bdi> <span class="dim">· {STATES[state]}</span>
        {state === 'held' && until !== null ? (
          <span class="dim" aria-hidden="true">
            {' '}
            for {Math.max(1, Math.ceil((until - now.value) / 1000))} s
          </span>
        ) : null}
      </span>
      {send === null ? null : (
        <button type="button" class="act" onClick={send}>
          <Label text="▸ N0W" of={`${LABELS[label].toLowerCase()} ${of}`} />
        </button>
      )}
      {undo === null ? null : (
        <button type="button" class="act" onClick={undo}>
          <Label text="↩ UND0" of={`${LABELS[label].toLowerCase()} ${of}`} />
          {key === '' ? null : (
            <span class="keycap" aria-hidden="true">
              {key}
            </span>
          )}
        </button>
      )}
    </div>
  );
}
