import { computed, type ReadonlySignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { query } from './address';
import { drawnNow } from './focus';
import { keyOf, onKey, useKey } from './keys';
import { pinned, setQuery } from './link';

/** The content of the side panel by its kind and name in the address, such as `diff:12`; null while it is closed. */
export const opened: ReadonlySignal<string | null> = computed(() => query.value.get('open') || null);

export const isOpen = (key: string): boolean => opened.value === key;

/** The element that had the focus before the panel opened. */
let before: HTMLElement | null = null;

// By the browser's back too.
opened.subscribe((key) => {
  if (key === null) before = null;
});

export function openPanel(key: string): void {
  const now = document.activeElement;
  if (now instanceof HTMLElement && (opened.peek() === null || now.closest('.panel') === null)) before = now;
  setQuery({ open: key }, true);
}

export function closePanel(): void {
  const opener = before;
  before = null;
  setQuery({ open: null }, true);
  // Once the place is drawn without the panel. Its row may have been drawn again.
  setTimeout(() => {
    (drawnNow(opener) ?? document.querySelector<HTMLElement>('main'))?.focus({ preventScroll: true });
  }, 0);
}

/** Opens the content, or closes it where it is open. */
export const togglePanel = (key: string): void => (opened.peek() === key ? closePanel() : openPanel(key));

/** Opens what the element with the focus names: a row, or a link to something that a panel can show. */
function openFocused(): boolean {
  const at = document.activeElement;
  const naming = at?.closest<HTMLElement>('[data-opens]') ?? at?.querySelector<HTMLElement>(':scope > [data-opens]');
  const key = naming?.dataset.opens;
  if (key === undefined || key === opened.peek()) return false;
  openPanel(key);
  return true;
}

/** The key of the side panel while it is closed. */
export function PanelKey() {
  useKey('panel', openFocused, true, 'shell');
  return null;
}

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
          if (openFocused()) return;
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
