import { computed, type ReadonlySignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { query } from './address';
import { keyOf, onKey } from './keys';
import { pinned, setQuery } from './link';

/** What the side panel shows, as the address has it: a kind and a name, such as `diff:12`; null while it is closed. */
export const opened: ReadonlySignal<string | null> = computed(() => query.value.get('open') || null);

export const isOpen = (key: string): boolean => opened.value === key;

/** The element that had the focus before the panel opened. */
let before: HTMLElement | null = null;

export function openPanel(key: string): void {
  if (opened.peek() === null && document.activeElement instanceof HTMLElement) before = document.activeElement;
  setQuery({ open: key }, true);
}

export function closePanel(): void {
  const opener = before;
  before = null;
  setQuery({ open: null }, true);
  // Once the place is drawn without the panel. Its row may have been drawn again.
  setTimeout(() => {
    const key = opener?.closest<HTMLElement>('[data-key]')?.dataset.key;
    const again = key === undefined ? null : document.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
    const target = opener?.isConnected === true ? opener : (again ?? document.querySelector<HTMLElement>('main'));
    target?.focus({ preventScroll: true });
  }, 0);
}

/** Opens the content, or closes it where it is open. */
export const togglePanel = (key: string): void => (opened.peek() === key ? closePanel() : openPanel(key));

interface Props {
  label: string;
  /** The feature whose style sheet draws its content. */
  feature: string;
  title: ComponentChildren;
  aside?: ComponentChildren;
  children: ComponentChildren;
}

/** Shows details beside the place, or over it below the top bar where the screen is narrow. */
export function Panel({ label, feature, title, aside, children }: Props) {
  const root = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    if (before !== null) root.current?.focus({ preventScroll: true });
    const forget = [
      onKey('back', closePanel, 'panel'),
      onKey(
        'panel',
        () => {
          if (root.current?.contains(document.activeElement) === true) document.querySelector('main')?.focus();
          else root.current?.focus();
        },
        'panel',
      ),
    ];
    return () => {
      for (const one of forget) one();
    };
  }, []);
  return (
    <aside ref={root} class={`panel feature-${feature}`} aria-label={label} tabIndex={-1}>
      <div class="panel-head">
        <h2>{title}</h2>
        {aside}
        <button
          type="button"
          class="plain"
          aria-pressed={pinned.value}
          aria-label="Keep the panel open from place to place"
          title="Keep it open from place to place"
          onClick={() => {
            pinned.value = !pinned.value;
          }}
        >
          {pinned.value ? '▪' : '▫'}
        </button>
        <button
          type="button"
          class="plain"
          aria-label={`Close: ${label}`}
          title={keyOf('back') === '' ? 'Close' : `Close (${keyOf('back')})`}
          onClick={closePanel}
        >
          ✗
        </button>
      </div>
      {children}
    </aside>
  );
}
