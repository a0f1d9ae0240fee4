import { api } from '../../api/client';
import { Submit } from '../../ui/act';
import { useDraft } from '../../ui/draft';
import { Fault } from '../../ui/fault';
import { useSending } from '../../ui/sending';
import { bodyFault } from '../../ui/text/bytes';

/** The host refuses a runtime that does not work on its machine. */
const RUNTIMES = [
  ['', 'auto: the best that works here'],
  ['nspawn', 'nspawn'],
  ['sandbox', 'sandbox'],
  ['podman', 'podman'],
  ['docker', 'docker'],
  ['nixos', 'nixos'],
  ['process', 'process · no isolation'],
  ['external', 'external: a client that opens its socket'],
] as const;

/** Puts a new agent into the queue, to be decided like those that the manager asks for. */
export function SpawnForm() {
  const [name, setName] = useDraft('spawn.name');
  const [runtime, setRuntime] = useDraft('spawn.runtime');
  const [description, setDescription] = useDraft('spawn.description');
  const { busy, error, setError, send } = useSending();
  const request = () => {
    const fault =
      name.trim() === ''
        ? 'The new agent needs a name: a-z, 0-9 and -, at most 31 characters.'
        : description.trim() === ''
          ? null
          : bodyFault(description, 'a description');
    void send(fault, async () => {
      await api.POST('/api/approvals/request-spawn', {
        body: {
          name: name.trim(),
          ...(runtime === '' ? {} : { runtime }),
          ...(description.trim() === '' ? {} : { description: description.trim() }),
        },
      });
      setName('');
      setRuntime('');
      setDescription('');
    });
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
        request();
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
      <select
        class="field"
        value={runtime}
        aria-label="Runtime of the new agent"
        onChange={(e) => changed(setRuntime)(e.currentTarget.value)}
      >
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
        aria-label="Purpose of the new agent"
        placeholder="purpose (optional)"
        onInput={(e) => changed(setDescription)(e.currentTarget.value)}
      />
      <Submit label="R3QU3ST SP4WN" plain="Request the spawn" tone="info" busy={busy} />
      <Fault error={error} />
    </form>
  );
}
