import { signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { type Action, perform } from './action';
import { keyOf, onKey, raiseLayer } from './keys';
import { Label } from './label';

interface Shown {
  label: string;
  actions: readonly Action[];
  at: HTMLElement;
  act: (action: Action) => unknown;
}

const shown = signal<Shown | null>(null);

/**
 * Opens the menu of what can be done with a thing, beside its row. <act> does it where more than the action follows.
 */
export function openMenu(
  label: string,
  actions: readonly Action[],
  at: HTMLElement,
  act: Shown['act'] = perform,
): void {
  shown.value = { label, actions, at, act };
}

/** Does a line of the open menu. */
export function choose(action: Action): void {
  const menu = shown.peek();
  close();
  if (menu === null) return;
  if (menu.at.isConnected) menu.at.focus({ preventScroll: true });
  menu.act(action);
}

/** The menu that is open. */
export function Menu() {
  const open = shown.value;
  return open === null ? null : <Opened key={open.label} {...open} />;
}

const close = () => {
  shown.value = null;
};

function Opened({ label, actions, at }: Shown) {
  const root = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const el = root.current;
    if (el === null) return;
    const { bottom, top, right } = at.getBoundingClientRect();
    // The bar of a phone stays free.
    const bar = document.querySelector('.nav')?.getBoundingClientRect().top ?? 0;
    const room = (bar > bottom ? bar : innerHeight) - bottom;
    el.style.top = `${Math.max(8, room > el.offsetHeight ? bottom : top - el.offsetHeight)}px`;
    el.style.left = `${Math.max(8, Math.min(right - el.offsetWidth, innerWidth - el.offsetWidth - 8))}px`;
    el.querySelector<HTMLElement>('[role=menuitem]')?.focus();
  }, []);
  // With the focus: a key may follow at once.
  useLayoutEffect(() => {
    const lower = raiseLayer();
    const items = () => [...(root.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])];
    const step = (by: number) => {
      const all = items();
      const at = all.indexOf(document.activeElement as HTMLElement);
      all[(at + by + all.length) % all.length]?.focus();
    };
    const leave = () => {
      close();
      if (at.isConnected) at.focus({ preventScroll: true });
    };
    const forget = [
      onKey('back', leave, 'dialog'),
      onKey('next', () => step(1), 'dialog'),
      onKey('previous', () => step(-1), 'dialog'),
    ];
    const arrows = (e: KeyboardEvent) => {
      // Also where the operator has switched the key off: the page's keys rest while the menu is open.
      if (e.key === 'Escape' && !e.isComposing) {
        e.preventDefault();
        leave();
        return;
      }
      if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return;
      e.preventDefault();
      step(e.key === 'ArrowDown' ? 1 : -1);
    };
    const outside = (e: Event) => {
      if (!(e.target instanceof Node && root.current?.contains(e.target) === true)) close();
    };
    const away = ({ relatedTarget }: FocusEvent) => {
      if (!(relatedTarget instanceof Node) || root.current?.contains(relatedTarget) !== false) return;
      // The row of a right click becomes the current one, and takes the focus as such, once the menu is open.
      if (relatedTarget === at) queueMicrotask(() => items()[0]?.focus());
      else close();
    };
    root.current?.addEventListener('keydown', arrows);
    root.current?.addEventListener('focusout', away);
    addEventListener('pointerdown', outside);
    return () => {
      lower();
      for (const one of forget) one();
      removeEventListener('pointerdown', outside);
    };
  }, []);
  return (
    <section aria-label="Menu">
      <div ref={root} class="menu" role="menu" aria-label={label}>
        {actions.map((action) => (
          <button
            key={action.id}
            type="button"
            role="menuitem"
            class={`menu-line ${action.weight === 'danger' ? 'bad' : ''}`}
            onClick={() => choose(action)}
          >
            {action.shown === undefined ? (
              <Label text={action.label} of={action.of} />
            ) : (
              <span>
                <Label text={action.label} /> <bdi>{action.shown}</bdi>
              </span>
            )}
            {action.key === undefined ? null : (
              <span class="keycap" aria-hidden="true">
                {keyOf(action.key)}
              </span>
            )}
          </button>
        ))}
      </div>
    </section>
  );
}
