import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ConnectionState } from './connection';

/** From this width on the drawer fits beside the swarm. */
const beside = matchMedia('(min-width: 900px)');

interface Props {
  label: string;
  /** The feature whose style sheet draws its content. */
  feature: string;
  title: ComponentChildren;
  aside: ComponentChildren;
  onClose: () => void;
  children: ComponentChildren;
}

/** Shows details beside the page, or over it where the screen is narrow. */
export function Drawer({ label, feature, title, aside, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [over, setOver] = useState(!beside.matches);
  // The browser gives the keyboard back to where it was when the drawer closes.
  useLayoutEffect(() => {
    const el = dialog.current;
    if (el === null) return;
    const open = () => {
      el.close();
      setOver(!beside.matches);
      if (beside.matches) el.show();
      else el.showModal();
    };
    open();
    beside.addEventListener('change', open);
    return () => {
      beside.removeEventListener('change', open);
      el.close();
    };
  }, []);
  useEffect(() => {
    const closeOnEscape = (e: KeyboardEvent) => {
      if (e.key !== 'Escape' || e.defaultPrevented || e.isComposing || document.querySelector(':modal') !== null)
        return;
      e.preventDefault();
      onClose();
    };
    document.addEventListener('keydown', closeOnEscape);
    return () => document.removeEventListener('keydown', closeOnEscape);
  }, [onClose]);
  return (
    <dialog
      ref={dialog}
      class={`drawer feature-${feature}`}
      aria-label={label}
      onCancel={(e) => {
        e.preventDefault();
        onClose();
      }}
    >
      {/* The banner is behind the drawer; over the page nothing of it is read out either. */}
      <ConnectionState quiet={!over} />
      <div class="drawer-head">
        <h2>{title}</h2>
        {aside}
        <button type="button" class="plain" aria-label={`Close: ${label}`} onClick={onClose}>
          ✗
        </button>
      </div>
      {children}
    </dialog>
  );
}
