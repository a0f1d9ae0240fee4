import { signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { type Action, perform } from './action';
import { keyOf, onKey, raiseLayer } from './keys';
import { Label } from './label';

const shown = signal<{ label: string; actions: readonly Action[]; at: HTMLElement } | null>(null);

/** Opens the menu of what can be done with a thing, beside its row. */
export function openMenu(label: string, actions: readonly Action[], at: HTMLElement): void {
  shown.value = { label, actions, at };
}

/** The menu that is open. */
export function Menu() {
  const open = shown.value;
  return open === null ? null : <Opened key={open.label} {...open} />;
}

const close = () => {
  shown.value = null;
};

function Opened({ label, actions, at }: { label: string; actions: readonly Action[]; at: HTMLElement }) {
  const root = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const el = root.current;
    if (el === null) return;
    const { bottom, top, right } = at.getBoundingClientRect();
    const room = innerHeight - bottom;
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
      if (e.key !== 'ArrowDown' && e.key !== 'ArrowUp') return;
      e.preventDefault();
      step(e.key === 'ArrowDown' ? 1 : -1);
    };
    const outside = (e: Event) => {
      if (!(e.target instanceof Node && root.current?.contains(e.target) === true)) close();
    };
    root.current?.addEventListener('keydown', arrows);
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
            onClick={() => {
              close();
              if (at.isConnected) at.focus({ preventScroll: true });
              void perform(action);
            }}
          >
            <Label text={action.label} of={action.of} />
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
