import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { Clock, now } from './clock';
import { type KeyName, keyOf, useKey } from './keys';
import { Label } from './label';
import { LABELS } from './labels';
import { go, Link } from './link';
import {
  cameBack,
  latestRecord,
  pauseToast,
  recordOf,
  resumeToast,
  sendBeforeLeaving,
  type Toast,
  tellOfLeft,
  toasts,
  undoLatest,
} from './undo';

/** The deeds that are held, with the way back, and the receipts of those that were done. It takes no focus. */
export function Toasts() {
  useKey('undo', undoLatest, true, 'shell');
  useKey(
    'receipt',
    () => {
      const to = latestRecord();
      if (to !== null) go(to);
      return to !== null;
    },
    true,
    'shell',
  );
  useEffect(() => {
    tellOfLeft((label) => LABELS[label]);
    addEventListener('pagehide', sendBeforeLeaving);
    addEventListener('pageshow', cameBack);
    return () => {
      removeEventListener('pagehide', sendBeforeLeaving);
      removeEventListener('pageshow', cameBack);
    };
  }, []);
  const box = useRef<HTMLDivElement>(null);
  // What lies below them leaves as much room at its end, so that it can be scrolled free.
  useLayoutEffect(() => {
    const { current } = box;
    if (current === null) return;
    const observer = new ResizeObserver(() => {
      document.documentElement.style.setProperty('--toasts', `${current.offsetHeight}px`);
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  return (
    <div ref={box} class="toasts" role="status" aria-label="Done and held">
      {toasts.value.map((toast) => (
        <Said key={toast.id} toast={toast} />
      ))}
    </div>
  );
}

const STATES: Record<Toast['state'], string> = {
  held: 'held',
  away: 'waits for the host',
  sending: 'is being sent',
  done: 'done',
  undone: 'taken back',
  sent: 'was being sent as the page was left',
};

function Said({ toast }: { toast: Toast }) {
  const { id, label, of, text, result, state, at, until, undo, now: send } = toast;
  const said = (state === 'done' ? result?.() : null) ?? STATES[state];
  const record = recordOf(toast);
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
        <Label text={label} /> <bdi>{of}</bdi>{' '}
        {text === undefined ? null : (
          <span class="toast-text">
            “<bdi>{text}</bdi>”
          </span>
        )}{' '}
        <span class="dim">
          · {said}
          {at === null ? null : (
            <>
              , <Clock at={at} />
            </>
          )}
        </span>
        {state === 'held' && until !== null ? (
          <span class="dim" aria-hidden="true">
            {' '}
            for {Math.max(1, Math.ceil((until - now.value) / 1000))} s
          </span>
        ) : null}
      </span>
      <span class="toast-ways">
        {send === null ? null : (
          <button type="button" class="act" onClick={send}>
            <Label text="▸ N0W" of={`${LABELS[label].toLowerCase()} ${of}`} />
          </button>
        )}
        {undo === null ? null : (
          <button type="button" class="act" onClick={undo}>
            <Label text="↩ UND0" of={`${LABELS[label].toLowerCase()} ${of}`} />
            <Keycap name="undo" />
          </button>
        )}
        {record === null ? null : (
          <Link to={record} class="act">
            Show it
            <span class="hidden"> ({of})</span>
            <Keycap name="receipt" />
          </Link>
        )}
      </span>
    </div>
  );
}

function Keycap({ name }: { name: KeyName }) {
  const key = keyOf(name);
  return key === '' ? null : (
    <span class="keycap" aria-hidden="true">
      {key}
    </span>
  );
}
