import type { TargetedKeyboardEvent } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { post } from '../../api/client';
import { words } from '../../api/refusal';
import { type Command, COMMANDS, commandsFor, readLine } from '../../model/commands';
import { BODY_BYTES, utf8Bytes } from '../../text/bytes';
import { useDraft } from '../../ui/draft';
import { useGrown } from '../../ui/grown';
import { Leet } from '../../ui/leet';

/** Says something to the agent, or asks something of its harness. */
export function Prompt({ name }: { name: string }) {
  const box = useRef<HTMLTextAreaElement>(null);
  const [text, keep] = useDraft(`agent.${name}`);
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState<{ fault: boolean; words: string } | null>(null);
  const [help, setHelp] = useState(false);
  const [options, setOptions] = useState<readonly Command[]>([]);
  const [chosen, setChosen] = useState(0);
  const active = Math.min(chosen, options.length - 1);
  const bytes = utf8Bytes(text);
  useGrown(box, text);

  const look = (area: HTMLTextAreaElement) => {
    setOptions(commandsFor(area.value, area.selectionStart));
    setChosen(0);
  };
  const take = ({ name: command, takes }: Command) => {
    keep(`/${command}${takes === '' ? '' : ' '}`);
    setOptions([]);
    box.current?.focus();
  };
  const send = async () => {
    if (busy) return;
    const line = readLine(text);
    setHelp(line.kind === 'help');
    setSaid(null);
    if (line.kind === 'fault') {
      setSaid({ fault: true, words: line.words });
      return;
    }
    if (line.kind === 'help') {
      keep('');
      return;
    }
    setBusy(true);
    try {
      if (line.kind === 'message') {
        await post('/op-send', { to: name, body: line.body });
        setSaid({ fault: false, words: `Sent to ${name}.` });
      } else {
        await post(`/api/agents/${encodeURIComponent(name)}/${line.route}`, line.body);
        setSaid({ fault: false, words: line.done });
      }
      // What was typed on while the host worked stays.
      if (box.current === null || box.current.value === text) keep('');
    } catch (e) {
      setSaid({ fault: true, words: words(e) });
    } finally {
      setBusy(false);
      box.current?.focus();
    }
  };
  const onKeyDown = (e: TargetedKeyboardEvent<HTMLTextAreaElement>) => {
    if (e.isComposing) return;
    const option = options[active];
    if (option !== undefined) {
      const step = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0;
      if (step !== 0) {
        e.preventDefault();
        setChosen((active + step + options.length) % options.length);
        return;
      }
      if ((e.key === 'Enter' || e.key === 'Tab') && !e.shiftKey) {
        e.preventDefault();
        take(option);
        return;
      }
      if (e.key === 'Escape') {
        e.preventDefault();
        setOptions([]);
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
      {options.length > 0 ? (
        <ul id="commands" class="completion" role="listbox" aria-label="Commands">
          {options.map((command, i) => (
            <li
              key={command.name}
              id={`command-${i}`}
              role="option"
              aria-selected={i === active}
              onMouseDown={(e) => {
                e.preventDefault();
                take(command);
              }}
            >
              <span>
                /{command.name} {command.takes}
              </span>{' '}
              <span class="dim">{command.plain}</span>
            </li>
          ))}
        </ul>
      ) : null}
      {help ? (
        <div class="commands" role="status">
          <dl>
            {COMMANDS.map((command) => (
              <div key={command.name}>
                <dt>
                  /{command.name} {command.takes}
                </dt>
                <dd>{command.plain}</dd>
              </div>
            ))}
          </dl>
          <button type="button" class="plain" aria-label="Close the list of commands" onClick={() => setHelp(false)}>
            ✗
          </button>
        </div>
      ) : null}
      <div class="compose-line">
        <label class="prompt" for="agent-prompt">
          @{name}&gt;
        </label>
        <textarea
          id="agent-prompt"
          ref={box}
          rows={1}
          value={text}
          spellcheck={false}
          aria-label={`Message to ${name}, or a command`}
          aria-describedby="prompt-help"
          aria-autocomplete="list"
          aria-haspopup="listbox"
          {...(options.length > 0 ? { 'aria-controls': 'commands', 'aria-activedescendant': `command-${active}` } : {})}
          aria-invalid={said?.fault === true}
          placeholder="say something · / asks its harness"
          onInput={(e) => {
            keep(e.currentTarget.value);
            setSaid(null);
            look(e.currentTarget);
          }}
          onKeyDown={onKeyDown}
          onClick={(e) => look(e.currentTarget)}
          onBlur={() => setOptions([])}
        />
        <button type="submit" class="act info solid" aria-label="Send" aria-busy={busy} disabled={busy}>
          {busy ? <span class="spinner" aria-hidden="true" /> : null}
          <Leet text="T4LK" />
        </button>
      </div>
      <div class="compose-foot">
        <span id="prompt-help" class="dim help">
          enter sends · shift+enter breaks the line · /help lists what can be asked
        </span>
        <span class={`bytes ${bytes > BODY_BYTES ? 'bad' : bytes > BODY_BYTES * 0.9 ? 'amber' : 'dim'}`}>
          {bytes}/{BODY_BYTES}
          <span class="hidden"> bytes</span>
        </span>
      </div>
      {said === null ? null : (
        <p class={said.fault ? 'refused' : 'done'} role={said.fault ? 'alert' : 'status'}>
          {said.fault ? '⚠ ' : '✓ '}
          {said.words}
        </p>
      )}
    </form>
  );
}
