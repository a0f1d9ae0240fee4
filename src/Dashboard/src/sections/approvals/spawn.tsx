import { useState } from 'preact/hooks';
import { post } from '../../api/client';
import { words } from '../../api/refusal';
import { bodyFault } from '../../text/bytes';
import { useDraft } from '../../ui/draft';
import { Leet } from '../../ui/leet';

/** What does not work on this machine, the host says. */
const RUNTIMES = [
  ['', 'auto: the best that works here'],
  ['nspawn', 'nspawn'],
  ['sandbox', 'sandbox'],
  ['podman', 'podman'],
  ['docker', 'docker'],
  ['nixos', 'nixos'],
  ['process', 'process · no isolation'],
  ['external', 'external: whoever opens its socket'],
] as const;

/** Puts a new agent into the queue, to be decided like those that the manager asks for. */
export function SpawnForm() {
  const [name, setName] = useDraft('spawn.name');
  const [runtime, setRuntime] = useDraft('spawn.runtime');
  const [description, setDescription] = useDraft('spawn.description');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const send = async () => {
    if (busy) return;
    const fault = name.trim() === '' ? 'The new agent needs a name: a-z, 0-9 and -, at most 31 characters.' : description.trim() === '' ? null : bodyFault(description, 'a description');
    if (fault !== null) {
      setError(fault);
      return;
    }
    setBusy(true);
    setError(null);
    try {
      await post('/request-spawn', { name: name.trim(), ...(runtime === '' ? {} : { runtime }), ...(description.trim() === '' ? {} : { description: description.trim() }) });
      setName('');
      setRuntime('');
      setDescription('');
    } catch (e) {
      setError(words(e));
    } finally {
      setBusy(false);
    }
  };
  const changed = (set: (text: string) => void) => (text: string) => {
    set(text);
    setError(null);
  };
  return (
    <form
      class="spawn"
      aria-label="Request a new agent"
      onSubmit={(e) => {
        e.preventDefault();
        void send();
      }}
    >
      <input
        type="text"
        class="field"
        value={name}
        spellcheck={false}
        autocomplete="off"
        autocapitalize="none"
        maxLength={64}
        aria-label="Name of the new agent"
        aria-invalid={error !== null}
        placeholder="name"
        onInput={(e) => changed(setName)(e.currentTarget.value)}
      />
      <select class="field" value={runtime} aria-label="Runtime of the new agent" onChange={(e) => changed(setRuntime)(e.currentTarget.value)}>
        {RUNTIMES.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      <input
        type="text"
        class="field wide"
        value={description}
        aria-label="What the new agent is for"
        placeholder="what it is for (optional)"
        onInput={(e) => changed(setDescription)(e.currentTarget.value)}
      />
      <button type="submit" class="act info" aria-label="Request the spawn" aria-busy={busy} disabled={busy}>
        {busy ? <span class="spinner" aria-hidden="true" /> : null}
        <Leet text="R3QU3ST SP4WN" />
      </button>
      {error === null ? null : (
        <p class="refused" role="alert">
          ⚠ {error}
        </p>
      )}
    </form>
  );
}
