import { useEffect, useState } from 'preact/hooks';
import { answerOf, api } from '../../api/client';
import { words } from '../../api/refusal';
import type { Driver, ExampleRole } from '../../api/types';
import { drafts } from '../../ui/draft';
import { Fault } from '../../ui/fault';
import { Label } from '../../ui/label';
import { go } from '../../ui/link';
import { useSending } from '../../ui/sending';
import { Submit } from '../../ui/submit';
import { argumentsOf } from '../../ui/text/arguments';
import { bodyFault } from '../../ui/text/bytes';
import { Writing } from '../../ui/writing';

const NAME = 'make:name';
const DRIVER = 'make:driver';
const MODEL = 'make:model';
const ROLE = 'make:role';
const FIRST = 'make:first';
const COMMAND = 'make:command';
const FIELDS = [NAME, DRIVER, MODEL, ROLE, FIRST, COMMAND];

/** The drivers that the host knows, and example roles; null until they are read. */
function useChoices() {
  const [choices, setChoices] = useState<{ drivers: readonly Driver[]; roles: readonly ExampleRole[] } | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    answerOf(api.GET('/api/drivers', { signal: stop.signal })).then(setChoices, (e: unknown) => {
      if (!stop.signal.aborted) setError(`The drivers of this machine could not be read: ${words(e)}`);
    });
    return () => stop.abort();
  }, []);
  return { choices, error };
}

/** One form that makes an agent: it needs no approval, since the operator asks for it. */
export function MakeAgent({ onMade, onLeave }: { onMade: (name: string) => void; onLeave?: () => void }) {
  const { choices, error } = useChoices();
  const sending = useSending();
  const found =
    choices?.drivers.find(({ found: here, name }) => here && name === 'claude') ??
    choices?.drivers.find((d) => d.found);
  const driver = drafts.of(DRIVER) || (found?.name ?? '');
  const chosen = choices?.drivers.find(({ name }) => name === driver);
  const role = drafts.of(ROLE);
  const keep = (name: string) => (text: string) => {
    drafts.keep(name, text);
    sending.setError(null);
  };
  const make = () => {
    const sent = FIELDS.map((field) => [field, drafts.of(field)] as const);
    const [name, model, first, command] = [NAME, MODEL, FIRST, COMMAND].map((field) => drafts.of(field).trim());
    const args = argumentsOf(command ?? '');
    const fault =
      name === ''
        ? 'The agent needs a name: a-z, 0-9 and -, at most 31 characters, beginning with a letter.'
        : driver === 'command' && command === ''
          ? 'The driver command needs the program that it runs, such as: my-agent --once'
          : driver === 'command' && args === null
            ? 'A quote in the command is open; close it, or write a backslash before it.'
            : first === ''
              ? null
              : bodyFault(first ?? '', 'a first message');
    void sending.send(fault, async () => {
      await api.POST('/api/agents', {
        body: {
          name: name ?? '',
          ...(driver === '' ? {} : { driver }),
          ...(model === '' || driver !== 'claude' ? {} : { model: model ?? '' }),
          ...(role.trim() === '' ? {} : { role }),
          ...(first === '' ? {} : { first_message: first ?? '' }),
          ...(driver === 'command' ? { command_line: args ?? [] } : {}),
        },
      });
      // Text that was typed in the meantime stays.
      for (const [field, text] of sent) if (drafts.of(field) === text) drafts.keep(field, '');
      onMade(name ?? '');
      go(`/agents/${name}`);
    });
  };
  return (
    <form
      class="make feature-start"
      aria-label="Make an agent"
      onSubmit={(e) => {
        e.preventDefault();
        make();
      }}
    >
      <label>
        <span>Name</span>
        <input
          class="field"
          value={drafts.of(NAME)}
          spellcheck={false}
          autocomplete="off"
          autocapitalize="none"
          maxLength={64}
          placeholder="a-z, 0-9 and -"
          onInput={(e) => keep(NAME)(e.currentTarget.value)}
        />
      </label>
      <fieldset>
        <legend>Driver</legend>
        {choices === null ? (
          <span class="dim">checking this machine …</span>
        ) : (
          <div class="drivers">
            {choices.drivers.map((one) => (
              <label key={one.name} class={one.found ? '' : 'dim'}>
                <input
                  type="radio"
                  name="driver"
                  checked={driver === one.name}
                  onChange={() => keep(DRIVER)(one.name)}
                />{' '}
                <span class="mono">{one.name}</span>{' '}
                <span class="dim">{one.found ? (one.version ?? 'found') : 'not found here'}</span>
              </label>
            ))}
          </div>
        )}
      </fieldset>
      {chosen?.hint == null ? null : <p class="dim hint">{chosen.hint}</p>}
      {driver === 'claude' ? (
        <label>
          <span>Model</span>
          <input
            class="field"
            list="make-models"
            value={drafts.of(MODEL)}
            spellcheck={false}
            autocomplete="off"
            placeholder="the driver’s own choice"
            onInput={(e) => keep(MODEL)(e.currentTarget.value)}
          />
          <datalist id="make-models">
            {(chosen?.models ?? []).map((model) => (
              <option key={model} value={model} />
            ))}
          </datalist>
        </label>
      ) : null}
      {driver === 'command' ? (
        <label>
          <span>Command</span>
          <input
            class="field"
            value={drafts.of(COMMAND)}
            spellcheck={false}
            autocomplete="off"
            placeholder="the program and its arguments"
            onInput={(e) => keep(COMMAND)(e.currentTarget.value)}
          />
        </label>
      ) : null}
      <div class="role">
        <span>Role</span>
        <div>
          <div class="chips" role="group" aria-label="Examples of a role">
            {(choices?.roles ?? []).map((example) => (
              <button
                key={example.name}
                type="button"
                class={`chip ${role === example.text ? 'chosen' : ''}`}
                aria-pressed={role === example.text}
                onClick={() => keep(ROLE)(role === example.text ? '' : example.text)}
              >
                {example.title}
              </button>
            ))}
          </div>
          <Writing
            target={ROLE}
            label="Role"
            placeholder="what it is for, in its prompt (optional)"
            onText={keep(ROLE)}
            // It is not a message, and has no limit of one.
            bodyOf={() => ''}
            lines={4}
          />
        </div>
      </div>
      <div class="role">
        <span>First message</span>
        <Writing
          target={FIRST}
          label="First message"
          placeholder="what it should do first (optional); enter makes the agent"
          onText={keep(FIRST)}
          onEnter={make}
          lines={2}
        />
      </div>
      <Fault error={sending.error ?? error} />
      <div class="buttons">
        {onLeave === undefined ? null : (
          <button type="button" class="act" onClick={onLeave}>
            <Label text="‹ B4CK" />
          </button>
        )}
        <Submit label="⊕ M4K3" plain="Make the agent" tone="primary" busy={sending.busy} />
      </div>
    </form>
  );
}
