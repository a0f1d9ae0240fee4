import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { drawnNow } from './focus';
import { onKey, raiseLayer } from './keys';

const open = signal(0);

/** Whether a dialog lies over the page; only the top bar then reacts. */
export const isCovered = (): boolean => open.value > 0;

interface Props {
  label: string;
  class?: string;
  onClose: () => void;
  children: ComponentChildren;
}

/**
 * A dialog over the page, below the top bar: the state of the connection is never covered. The browser's own modal
 * dialogs lie over everything, so this one is not; the shell makes the rest inert instead.
 */
export function Modal({ label, class: name, onClose, children }: Props) {
  const root = useRef<HTMLDivElement>(null);
  const close = useRef(onClose);
  close.current = onClose;
  useLayoutEffect(() => {
    const before = document.activeElement;
    open.value++;
    const lower = raiseLayer();
    const forget = onKey('back', () => close.current(), 'dialog');
    // Also where the operator has switched the key off: the focus cannot leave a dialog otherwise.
    const onEscape = (e: KeyboardEvent) => {
      if (e.key !== 'Escape' || e.isComposing || e.defaultPrevented) return;
      e.preventDefault();
      close.current();
    };
    const layer = root.current;
    layer?.addEventListener('keydown', onEscape);
    const first = root.current?.querySelector<HTMLElement>('[autofocus], input, textarea, button');
    (first ?? root.current)?.focus();
    return () => {
      open.value--;
      forget();
      layer?.removeEventListener('keydown', onEscape);
      lower();
      // After the shell has made the page whole again.
      queueMicrotask(() => {
        (drawnNow(before) ?? document.querySelector<HTMLElement>('main'))?.focus({ preventScroll: true });
      });
    };
  }, []);
  return (
    <div
      class="layer"
      onPointerDown={(e) => {
        if (e.target === e.currentTarget) onClose();
      }}
    >
      <div ref={root} class={`dialog ${name ?? ''}`} role="dialog" aria-modal="true" aria-label={label} tabIndex={-1}>
        {children}
      </div>
    </div>
  );
}
