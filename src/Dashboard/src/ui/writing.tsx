import type { ComponentChildren, RefObject, TargetedKeyboardEvent } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { asFile } from './as-file';
import { ByteCount } from './bytes';
import { type Completion, completed, completion } from './complete';
import type { Completer, Offer } from './completer';
import { drafts } from './draft';
import { Fault } from './fault';
import { useGrown } from './grown';
import { Label } from './label';
import { LABELS, type Wired } from './labels';
import { live } from './live';
import { useSending } from './sending';
import { AS_FILE, BODY_BYTES, bodyFault, isTooLong } from './text/bytes';
import { tell } from './told';

interface Props {
  /** The purpose of the text, such as `to:alice` or `deny:12`: the name of its draft. */
  target: string;
  /** The accessible name of the box. */
  label: string;
  placeholder?: string;
  /** In front of the box, such as the recipient. */
  to?: ComponentChildren;
  /**
   * The button that sends, and its plain name; without it, the box is a part of another form, which keeps its draft.
   */
  send?: { label: Wired; plain: string; tone?: string };
  /** The thing that is sent, for the words of its limit: `a message`, `an answer`. */
  what?: string;
  /** Makes the text that is sent, where the typed one is not sent as it is. */
  bodyOf?: (text: string) => string;
  /** The agent, or `*`, that opens the file of a text that is too long to be sent; without this, no file is made. */
  reader?: (text: string) => string;
  /** The reason why the text, or the file that is made of it, cannot be sent; without this, the limits of a message. */
  faultOf?: (text: string, asFile: boolean) => string | null;
  /** The text where something else keeps it; else it is the target's draft. */
  draft?: { text: string; keep: (text: string) => void };
  /** Keeps what is typed, where that is more than to keep the target's draft. */
  onText?: (text: string) => void;
  /** Sends the body. It resolves to what is said then, if anything, or to false where the draft stays. */
  onSend?: (body: string, text: string) => Promise<unknown>;
  /** The work of `enter` in a box that is a part of another form; without this, it adds a line. */
  onEnter?: () => void;
  /** The words of a refusal. */
  refusedAs?: (e: unknown) => string;
  /** Escape: one layer back. Without it, escape leaves the box. */
  onLeave?: () => void;
  /** Completers of this box alone, before the page's. */
  completers?: readonly Completer[];
  /** Lines at least. */
  lines?: number;
  focused?: boolean;
  box?: RefObject<HTMLTextAreaElement | null>;
  /** More buttons beside the one that sends. */
  beside?: ComponentChildren;
  /** Content above the box, such as the message that is replied to. */
  children?: ComponentChildren;
}

let boxes = 0;

/** The plain name of the button behind its label. */
const restOf = ({ label, plain }: NonNullable<Props['send']>): string => {
  const name = LABELS[label];
  return plain.startsWith(name) ? plain.slice(name.length).trim() : plain;
};

/**
 * The box in which every text is written: messages, answers, reasons. What is written is a draft until the host has it;
 * nothing is ever sent by itself.
 */
export function Writing(props: Props) {
  const { target, label, placeholder, to, send, what, bodyOf, faultOf, onSend, refusedAs, onLeave } = props;
  const own = useRef<HTMLTextAreaElement>(null);
  const box = props.box ?? own;
  const [id] = useState(() => `writing-${++boxes}`);
  const [offers, setOffers] = useState<Completion | null>(null);
  const [chosen, setChosen] = useState(0);
  const [done, setDone] = useState<string | null>(null);
  /** Sending was asked for while the host was away. */
  const [held, setHeld] = useState(false);
  /** The place in what was sent before; -1 outside of it. */
  const past = useRef(-1);
  const caretThen = useRef<number | null>(null);
  const sending = useSending(refusedAs, target);
  /** The target that the box has now: an answer may be about the one before. */
  const shown = useRef(target);
  shown.current = target;

  const text = props.draft?.text ?? drafts.of(target);
  const keep = props.draft?.keep ?? props.onText ?? ((changed: string) => drafts.keep(target, changed));
  const body = bodyOf === undefined ? text : bodyOf(text);
  const { state } = live.connection.value;
  const isAway = state === 'reconnecting' || state === 'stranger' || state === 'cannot';
  const active = offers === null ? -1 : Math.min(chosen, offers.shown.length - 1);
  useGrown(box, text, props.lines ?? 1);

  // Before the browser takes the next key, which would be a shortcut elsewhere.
  useLayoutEffect(() => {
    if (props.focused === true) box.current?.focus();
  }, [props.focused, target]);
  useEffect(() => {
    setDone(null);
    setHeld(false);
    sending.setError(null);
    past.current = -1;
  }, [target]);
  useLayoutEffect(() => {
    if (caretThen.current === null) return;
    box.current?.setSelectionRange(caretThen.current, caretThen.current);
    caretThen.current = null;
  }, [text]);

  const change = (changed: string, caret: number) => {
    keep(changed);
    setDone(null);
    sending.setError(null);
    read(changed, caret);
  };
  const read = (written: string, caret: number) => {
    const found = completion(written, caret, props.completers);
    setOffers(found);
    setChosen(found?.first ?? 0);
  };
  const take = (offer: Offer) => {
    const area = box.current;
    if (area === null || offers === null) return;
    const next = completed(text, area.selectionStart, offers.from, offer);
    caretThen.current = next.caret;
    keep(next.text);
    setOffers(null);
    area.focus();
  };
  const again = (by: number): boolean => {
    const sent = drafts.sent.peek();
    const at = past.current;
    // Only an empty box, or what was taken from the past unchanged.
    if (text !== '' && (at < 0 || text !== sent[at])) return false;
    const next = (text === '' ? -1 : at) + by;
    if (next < -1 || next >= sent.length) return false;
    past.current = next;
    const old = sent[next] ?? '';
    caretThen.current = old.length;
    keep(old);
    return true;
  };
  const { reader } = props;
  const becomesFile = reader !== undefined && isTooLong(body);
  /** <file>: sends the path of a file with the text. */
  const submit = (file = false) => {
    setDone(null);
    setOffers(null);
    const wayOut = reader === undefined ? undefined : AS_FILE;
    const fault = faultOf === undefined ? bodyFault(body, what, wayOut, file) : faultOf(text, file);
    if (fault === null && isAway) {
      setHeld(true);
      live.retry();
      return;
    }
    void sending.send(fault, async () => {
      const said = await onSend?.(file && reader !== undefined ? await asFile(body, reader(text)) : body, text);
      if (said === false) return;
      if (text.length <= BODY_BYTES) drafts.remember(text);
      const isShown = shown.current === target;
      // Text that was typed in the meantime stays.
      if (props.draft !== undefined) {
        if (!isShown || (box.current?.value ?? text) === text) keep('');
      } else if (drafts.of(target) === text) drafts.keep(target, '');
      if (!isShown) {
        if (typeof said === 'string') tell(said);
        return;
      }
      setHeld(false);
      past.current = -1;
      if (typeof said === 'string') setDone(said);
    });
  };
  const onKeyDown = (e: TargetedKeyboardEvent<HTMLTextAreaElement>) => {
    if (e.isComposing) return;
    if (offers !== null && onOfferKey(e)) return;
    if (e.key === 'Enter' && !e.shiftKey && send === undefined) {
      if (props.onEnter === undefined) return;
      e.preventDefault();
      if (!e.repeat) props.onEnter();
    } else if (e.key === 'Enter' && !e.shiftKey) {
      e.preventDefault();
      // A key that is still held down from before sends nothing.
      if (!e.repeat) submit();
    } else if (e.key === 'Escape' && onLeave !== undefined) {
      e.preventDefault();
      onLeave();
    } else if ((e.key === 'ArrowUp' && again(1)) || (e.key === 'ArrowDown' && past.current >= 0 && again(-1)))
      e.preventDefault();
  };
  const onOfferKey = (e: TargetedKeyboardEvent<HTMLTextAreaElement>): boolean => {
    if (offers === null || e.shiftKey) return false;
    const offer = offers.shown[active];
    const step = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0;
    const { length } = offers.shown;
    if (step !== 0) setChosen(active < 0 ? (step > 0 ? 0 : length - 1) : (active + step + length) % length);
    else if (offer === undefined) {
      if (e.key !== 'Escape') return false;
      setOffers(null);
    } else if (e.key === 'Tab' || (e.key === 'Enter' && !e.ctrlKey && !e.metaKey)) take(offer);
    else if (e.key === 'Escape') setOffers(null);
    else return false;
    e.preventDefault();
    return true;
  };

  /** A form within a form would send both. */
  const Frame = (send === undefined ? 'div' : 'form') as 'form';
  const enter =
    send !== undefined ? 'enter sends · shift+enter adds a line · ' : props.onEnter ? 'shift+enter adds a line · ' : '';
  return (
    <Frame
      class="writing"
      aria-label={label}
      {...(send === undefined ? ({ role: 'group' } as object) : {})}
      onSubmit={(e) => {
        e.preventDefault();
        submit();
      }}
    >
      {props.children}
      <div class="writing-line">
        {to}
        <div class="writing-box">
          {offers === null ? null : (
            <div id={`${id}-offers`} class="offers" role="listbox" aria-label={offers.label}>
              {offers.shown.map((offer, i) => (
                // biome-ignore lint/a11y/useFocusableInteractive: the box keeps the focus, aria-activedescendant names it
                <div
                  key={offer.name}
                  id={`${id}-offer-${i}`}
                  role="option"
                  aria-selected={i === active}
                  onMouseDown={(e) => {
                    e.preventDefault();
                    take(offer);
                  }}
                >
                  <span class="mono">{offer.shown}</span> <span class="dim">{offer.hint}</span>
                </div>
              ))}
            </div>
          )}
          <textarea
            ref={box}
            rows={props.lines ?? 1}
            value={text}
            spellcheck={false}
            aria-label={label}
            aria-describedby={`${id}-help`}
            aria-autocomplete="list"
            aria-haspopup="listbox"
            {...(offers === null
              ? {}
              : {
                  'aria-controls': `${id}-offers`,
                  ...(active < 0 ? {} : { 'aria-activedescendant': `${id}-offer-${active}` }),
                })}
            aria-invalid={sending.error !== null}
            placeholder={placeholder}
            onInput={(e) => change(e.currentTarget.value, e.currentTarget.selectionStart)}
            onKeyDown={onKeyDown}
            onClick={(e) => read(e.currentTarget.value, e.currentTarget.selectionStart)}
            onBlur={() => setOffers(null)}
          />
        </div>
        {props.beside}
        {send === undefined ? null : (
          <button
            type="submit"
            class={`act ${send.tone ?? 'info'} solid`}
            aria-busy={sending.busy}
            aria-disabled={sending.busy}
          >
            {sending.busy ? <span class="spinner" aria-hidden="true" /> : null}
            <Label text={send.label} of={restOf(send)} />
          </button>
        )}
      </div>
      <div class="writing-foot">
        <span id={`${id}-help`} class="dim help">
          {enter}@ agents · # messages · ↑ what you sent before
        </span>
        <ByteCount text={body} />
        {becomesFile ? (
          <button type="button" class="act" disabled={sending.busy} onClick={() => submit(true)}>
            Send as a file
          </button>
        ) : null}
      </div>
      {!drafts.kept.value && text !== '' ? (
        <p class="writing-note warn">
          This browser keeps no drafts (its storage is full or forbidden): a reload loses it.
        </p>
      ) : null}
      {held && text !== '' ? (
        <p class={`writing-note ${isAway ? 'warn' : 'good'}`} role="status">
          {isAway
            ? 'The host is away, so this was not sent. It stays here; enter sends it when the host is back.'
            : 'The host is back: enter sends this.'}
        </p>
      ) : null}
      {done === null ? null : (
        <p class="writing-note good" role="status">
          ✓ {done}
        </p>
      )}
      <Fault error={sending.error} />
    </Frame>
  );
}
