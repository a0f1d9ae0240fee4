import type { TargetedEvent, TargetedKeyboardEvent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { post } from '../../api/client';
import { words } from '../../api/refusal';
import { swarm } from '../../live';
import { addressed, completions, nameBeingTyped } from '../../text/recipient';
import { BODY_BYTES, bodyFault, utf8Bytes } from '../../text/bytes';
import { useGrown } from '../../ui/grown';
import { Leet } from '../../ui/leet';
import { address, backToSticky, draft, keepDraft, recipient, wantsFocus } from './recipient';

export function Compose() {
  const box = useRef<HTMLTextAreaElement>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [typed, setTyped] = useState<string | null>(null);
  const [chosen, setChosen] = useState(0);

  const text = draft.value;
  const redirect = addressed(text);
  const body = redirect === null ? text : redirect.body;
  const bytes = utf8Bytes(body);
  const options = typed === null ? [] : completions(typed, swarm.names.value);
  const open = options.length > 0;
  const target = redirect?.to ?? recipient.value;
  // While names are offered for what is typed, the prompt does not follow every letter; what is sent goes to the name as it stands.
  const to = open ? recipient.value : target;
  const active = Math.min(chosen, options.length - 1);

  useEffect(() => {
    if (wantsFocus.value > 0) box.current?.focus();
  }, [wantsFocus.value]);
  useGrown(box, text);

  const look = (area: HTMLTextAreaElement) => {
    setTyped(nameBeingTyped(area.value, area.selectionStart));
    setChosen(0);
  };
  const onInput = (e: TargetedEvent<HTMLTextAreaElement>) => {
    keepDraft(e.currentTarget.value);
    setError(null);
    look(e.currentTarget);
  };
  const take = (name: string) => {
    address(name);
    // What was typed of the name has become the prompt.
    keepDraft(text.replace(/^\s*@[A-Za-z0-9*-]*\s?/, ''));
    setTyped(null);
    box.current?.focus();
  };
  const send = async () => {
    if (busy) return;
    const fault = bodyFault(body);
    if (fault !== null) {
      setError(fault);
      return;
    }
    setBusy(true);
    setError(null);
    try {
      await post('/op-send', { to: target, body });
      if (target === '*') backToSticky();
      else address(target);
      // What was typed on while the host worked stays.
      if (draft.peek() === text) keepDraft('');
    } catch (e) {
      setError(words(e));
    } finally {
      setBusy(false);
      box.current?.focus();
    }
  };
  const onKeyDown = (e: TargetedKeyboardEvent<HTMLTextAreaElement>) => {
    if (e.isComposing) return;
    if (open) {
      const step = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0;
      if (step !== 0) {
        e.preventDefault();
        setChosen((active + step + options.length) % options.length);
        return;
      }
      const name = options[active];
      if ((e.key === 'Enter' || e.key === 'Tab') && !e.shiftKey && name !== undefined) {
        e.preventDefault();
        take(name);
        return;
      }
      if (e.key === 'Escape') {
        e.preventDefault();
        setTyped(null);
        return;
      }
    }
    if (e.key === 'Enter' && !e.shiftKey) {
      e.preventDefault();
      void send();
    }
  };

  return (
    <form
      class="compose"
      onSubmit={(e) => {
        e.preventDefault();
        void send();
      }}
    >
      {open ? (
        <ul id="recipients" class="completion" role="listbox" aria-label="Recipients">
          {options.map((name, i) => (
            <li
              key={name}
              id={`recipient-${i}`}
              role="option"
              aria-selected={i === active}
              onMouseDown={(e) => {
                e.preventDefault();
                take(name);
              }}
            >
              @{name} <span class="dim">{name === '*' ? 'every agent' : hint(name)}</span>
            </li>
          ))}
        </ul>
      ) : null}
      <div class="compose-line">
        <button
          type="button"
          class={`prompt ${to === '*' ? 'everyone' : ''}`}
          aria-label={`To ${to === '*' ? 'every agent' : to}. Choose another recipient`}
          onClick={() => {
            if (redirect === null) keepDraft(`@${text === '' ? '' : ` ${text}`}`);
            setTyped('');
            setChosen(0);
            box.current?.focus();
          }}
        >
          @{to}&gt;
        </button>
        <textarea
          ref={box}
          rows={1}
          value={text}
          spellcheck={false}
          aria-label={`Message to ${to === '*' ? 'every agent' : to}`}
          aria-describedby="compose-help"
          aria-autocomplete="list"
          aria-haspopup="listbox"
          {...(open ? { 'aria-controls': 'recipients', 'aria-activedescendant': `recipient-${active}` } : {})}
          aria-invalid={error !== null}
          placeholder="say something · @ picks who hears it"
          onInput={onInput}
          onKeyDown={onKeyDown}
          onClick={(e) => look(e.currentTarget)}
          onBlur={() => setTyped(null)}
        />
        <button type="submit" class="act info solid" aria-label="Send" aria-busy={busy} disabled={busy}>
          {busy ? <span class="spinner" aria-hidden="true" /> : null}
          <Leet text="T4LK" />
        </button>
      </div>
      <div class="compose-foot">
        <span id="compose-help" class="dim help">
          enter sends · shift+enter breaks the line · @* tells everyone
        </span>
        <span class={`bytes ${bytes > BODY_BYTES ? 'bad' : bytes > BODY_BYTES * 0.9 ? 'amber' : 'dim'}`}>
          {bytes}/{BODY_BYTES}
          <span class="hidden"> bytes</span>
        </span>
      </div>
      {error === null ? null : (
        <p class="refused" role="alert">
          ⚠ {error}
        </p>
      )}
    </form>
  );
}

function hint(name: string): string {
  const agent = swarm.agents.value.get(name);
  if (agent === undefined) return '';
  const state = agent.failed ? 'failed' : agent.paused ? 'paused' : agent.running ? 'running' : 'stopped';
  return agent.role === 'manager' ? `manager · ${state}` : state;
}
