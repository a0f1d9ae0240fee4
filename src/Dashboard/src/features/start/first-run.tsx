import { useRef, useState } from 'preact/hooks';
import { api } from '../../api/client';
import { ActionButton } from '../../ui/action-button';
import { useKey } from '../../ui/keys';
import { Label } from '../../ui/label';
import { Link } from '../../ui/link';
import { containers } from '../containers';
import { MakeAgent } from './make';

const CLIENTS = [
  ['Claude Code', '--claude'],
  ['Codex', '--codex'],
  ['OpenCode', '--opencode'],
] as const;

/** An empty Hive: what this is, and three ways on. */
export function FirstRun({ onLeave }: { onLeave: (() => void) | null }) {
  const make = useRef<HTMLElement>(null);
  // One form is enough: a dialog over the page would be the same one.
  useKey('new-agent', () => make.current?.querySelector('input')?.focus());
  return (
    <div class="first feature-start">
      {onLeave === null ? null : (
        <p>
          <button type="button" class="act primary" onClick={onLeave}>
            <Label text="▸ SW4RM" />
          </button>
        </p>
      )}
      <p class="lead">
        Hive runs coding agents, each in a container of its own, and carries their messages. You talk to them, answer
        them and approve what they change, here or in the terminal.
      </p>
      <div class="ways">
        <section ref={make} aria-labelledby="first-make">
          <h2 id="first-make">Make an agent</h2>
          <MakeAgent onMade={() => {}} />
        </section>
        <div>
          <section aria-labelledby="first-join">
            <h2 id="first-join">Join with a tool you have</h2>
            <p class="dim">In your project’s folder; joe is the name that the swarm knows it by.</p>
            {CLIENTS.map(([name, flag]) => (
              <Line key={flag} name={name} line={`hive join joe ${flag}`} />
            ))}
            <Joined />
          </section>
          <section aria-labelledby="first-demo">
            <h2 id="first-demo">See it work</h2>
            <p class="dim">
              Two scripted agents talk to each other and ask you something. One click on the overview removes them.
            </p>
            <Demo />
          </section>
        </div>
      </div>
    </div>
  );
}

function Line({ name, line }: { name: string; line: string }) {
  const [copied, setCopied] = useState<'no' | 'yes' | 'refused'>('no');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(line);
      setCopied('yes');
    } catch {
      // A browser refuses it without a secure address: the line can be selected.
      setCopied('refused');
    }
  };
  return (
    <div class="join-line">
      <span class="dim">{name}</span>
      <code>{line}</code>
      <button type="button" class="act" onClick={() => void copy()}>
        <Label text="❐ C0PY" of={`the line for ${name}`} />
      </button>
      <span class="good" role="status">
        {copied === 'yes' ? '✓' : copied === 'refused' ? 'select it and copy' : ''}
      </span>
    </div>
  );
}

/** Says when somebody's own tool has connected. */
function Joined() {
  const here = [...containers.agents.value.values()].filter(
    ({ runtime, running }) => runtime === 'external' && running,
  );
  return (
    <p role="status">
      {here.length === 0 ? (
        <span class="dim">waits for a tool to connect …</span>
      ) : (
        here.map(({ name }) => (
          <span key={name} class="good">
            ● <Link to={`/agents/${name}`}>{name}</Link> is here{' '}
          </span>
        ))
      )}
    </p>
  );
}

/** Makes the two agents of the demonstration. */
export function Demo() {
  return (
    <ActionButton
      tone="info"
      action={{
        id: 'demo',
        label: '▶ D3M0',
        of: 'with two scripted agents',
        run: () => api.POST('/api/demo-agents', { body: {} }),
      }}
    />
  );
}
