import type { ComponentChildren, RefObject, TargetedKeyboardEvent } from 'preact';
import { useState } from 'preact/hooks';
import { Submit } from './act';
import { ByteCount } from './bytes';
import { Fault } from './fault';
import { useGrown } from './grown';
import type { Sending } from './sending';

/** A completion of the typed text. */
export interface Offer {
  name: string;
  shown: string;
  hint: string;
}

interface Props<T extends Offer> {
  id: string;
  box: RefObject<HTMLTextAreaElement | null>;
  /** The recipient, in front of the box. */
  to: ComponentChildren;
  label: string;
  placeholder: string;
  help: string;
  text: string;
  /** The part of the text that is sent, where that is not all of it. */
  body?: string;
  onText: (text: string) => void;
  offers: {
    id: string;
    label: string;
    shown: readonly T[];
    /** The text or the position of the caret has changed. */
    onCaret: (text: string, caret: number) => void;
    take: (offer: T) => void;
    leave: () => void;
  };
  sending: Sending;
  /** The result of the last sending. */
  done?: string | null;
  onSend: () => void;
  /** Content between the offers and the box. */
  children?: ComponentChildren;
}

/** A text box that offers completions and shows the result of sending. */
export function WritingBox<T extends Offer>({
  id,
  box,
  to,
  label,
  placeholder,
  help,
  text,
  body = text,
  onText,
  offers,
  sending,
  done = null,
  onSend,
  children,
}: Props<T>) {
  const [chosen, setChosen] = useState(0);
  const { shown } = offers;
  const open = shown.length > 0;
  const active = Math.min(chosen, shown.length - 1);
  useGrown(box, text);

  const readCaret = (area: HTMLTextAreaElement) => {
    offers.onCaret(area.value, area.selectionStart);
    setChosen(0);
  };
  const take = (offer: T) => {
    offers.take(offer);
    leave();
    box.current?.focus();
  };
  const leave = () => {
    offers.leave();
    setChosen(0);
  };
  const onKeyDown = (e: TargetedKeyboardEvent<HTMLTextAreaElement>) => {
    if (e.isComposing) return;
    const offer = shown[active];
    if (offer !== undefined) {
      const step = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0;
      if (step !== 0) {
        e.preventDefault();
        setChosen((active + step + shown.length) % shown.length);
        return;
      }
      if ((e.key === 'Enter' || e.key === 'Tab') && !e.shiftKey) {
        e.preventDefault();
        take(offer);
        return;
      }
      if (e.key === 'Escape') {
        e.preventDefault();
        leave();
        return;
      }
    }
    if (e.key === 'Enter' && !e.shiftKey) {
      e.preventDefault();
      onSend();
    }
  };
  return (
    <form
      class="compose"
      onSubmit={(e) => {
        e.preventDefault();
        onSend();
      }}
    >
      {open ? (
        <div id={offers.id} class="completion" role="listbox" aria-label={offers.label}>
          {shown.map((offer, i) => (
            // biome-ignore lint/a11y/useFocusableInteractive: the box keeps the focus; aria-activedescendant names it.
            <div
              key={offer.name}
              id={`${offers.id}-${i}`}
              role="option"
              aria-selected={i === active}
              onMouseDown={(e) => {
                e.preventDefault();
                take(offer);
              }}
            >
              <span>{offer.shown}</span> <span class="dim">{offer.hint}</span>
            </div>
          ))}
        </div>
      ) : null}
      {children}
      <div class="compose-line">
        {to}
        <textarea
          id={id}
          ref={box}
          rows={1}
          value={text}
          spellcheck={false}
          aria-label={label}
          aria-describedby={`${id}-help`}
          aria-autocomplete="list"
          aria-haspopup="listbox"
          {...(open ? { 'aria-controls': offers.id, 'aria-activedescendant': `${offers.id}-${active}` } : {})}
          aria-invalid={sending.error !== null}
          placeholder={placeholder}
          onInput={(e) => {
            onText(e.currentTarget.value);
            sending.setError(null);
            readCaret(e.currentTarget);
          }}
          onKeyDown={onKeyDown}
          onClick={(e) => readCaret(e.currentTarget)}
          onBlur={leave}
        />
        <Submit label="T4LK" plain="Send" tone="info solid" busy={sending.busy} />
      </div>
      <div class="compose-foot">
        <span id={`${id}-help`} class="dim help">
          {help}
        </span>
        <ByteCount text={body} />
      </div>
      {done === null ? null : (
        <p class="done" role="status">
          ✓ {done}
        </p>
      )}
      <Fault error={sending.error} />
    </form>
  );
}
