import { useEffect, useRef, useState } from 'preact/hooks';
import { api } from '../../api/client';
import { ActionButton } from '../../ui/action-button';
import { Fault } from '../../ui/fault';
import { Section } from '../../ui/section';
import { useSending } from '../../ui/sending';
import { Submit } from '../../ui/submit';
import { plainLine } from '../../ui/text/ansi';
import { addressOf } from './harness';
import type { AgentLive } from './store';

/** Called with the text of the box when its code is sent: the login may succeed before the answer. */
export type OnCode = (code: string) => void;

/** The login of the agent's tool: shown while it is needed or under way. */
export function LoginPanel({ name, it, onCode }: { name: string; it: AgentLive; onCode?: OnCode }) {
  const harness = it.harness.value;
  if (harness === null || !harness.connected || (harness.state !== 'needs_login' && harness.state !== 'logging_in'))
    return null;
  const { state, login } = harness;
  const output = (login?.output ?? '').split('\n').map(plainLine).join('\n').trim();
  return (
    <Section feature="agent" id="agent-login" title="L0G1N" plain={`Login of ${name}`}>
      <div class="login-panel">
        <div class="line">
          <p>
            {state === 'needs_login'
              ? `The tool of ${name} is not logged in, and takes no turn until it is. The credentials stay in the ` +
                'agent’s own folder.'
              : login?.url == null
                ? 'The login has started; its address shows here as soon as the tool prints it.'
                : 'Open this address, log in there, and paste the code that it gives you.'}
          </p>
          <ActionButton
            tone="warn"
            action={{
              id: 'login',
              label: state === 'needs_login' ? '▶ L0G 1N' : '↻ 4G41N',
              of: `the tool of ${name}`,
              run: () => api.POST('/api/agents/{name}/login', { params: { path: { name } } }),
            }}
          />
        </div>
        {login?.error == null || login.error === '' ? null : <Fault error={login.error} />}
        {state === 'logging_in' && login?.url != null ? (
          <>
            <Address url={login.url} />
            <Code name={name} onCode={onCode} />
          </>
        ) : null}
        {output === '' ? null : (
          <details>
            <summary class="dim">tool output</summary>
            <pre class="command" tabIndex={0}>
              {output}
            </pre>
          </details>
        )}
      </div>
    </Section>
  );
}

/**
 * An address that a tool has printed, with its host highlighted; a link only where the visible host is the real one.
 */
function Address({ url }: { url: string }) {
  const { before, host, after, fault } = addressOf(url);
  const parts = (
    <>
      {before}
      {host === '' ? null : <strong>{host}</strong>}
      {after}
    </>
  );
  return (
    <p class="address">
      {fault === null ? (
        <a class="link" href={before + host + after} target="_blank" rel="noopener noreferrer">
          {parts}
        </a>
      ) : (
        <>
          <code>{parts}</code> <span class="dim">({fault})</span>
        </>
      )}
    </p>
  );
}

function Code({ name, onCode }: { name: string; onCode: OnCode | undefined }) {
  const [code, setCode] = useState('');
  const [done, setDone] = useState(false);
  const box = useRef<HTMLInputElement>(null);
  // After the start of the login its code comes next.
  useEffect(() => {
    if (document.activeElement?.closest('#agent-login') != null) box.current?.focus();
  }, []);
  const { busy, error, setError, send } = useSending();
  const hand = () => {
    setDone(false);
    void send(
      code.trim() === '' ? 'The code is empty; paste the one that the address above gives you.' : null,
      async () => {
        onCode?.(code);
        await api.POST('/api/agents/{name}/login-code', { params: { path: { name } }, body: { code: code.trim() } });
        setCode('');
        setDone(true);
      },
    );
  };
  return (
    <form
      class="code"
      onSubmit={(e) => {
        e.preventDefault();
        hand();
      }}
    >
      <input
        ref={box}
        type="text"
        class="field"
        value={code}
        spellcheck={false}
        autocomplete="off"
        autocapitalize="none"
        aria-label="Code of the login"
        aria-invalid={error !== null}
        placeholder="the code"
        onInput={(e) => {
          setCode(e.currentTarget.value);
          setDone(false);
          setError(null);
        }}
      />
      <Submit label="↩ C0D3" plain="Pass the code to the tool" tone="warn solid" busy={busy} />
      {done ? (
        <p class="dim" role="status">
          The code was passed to the tool; this panel closes when the login succeeds.
        </p>
      ) : null}
      <Fault error={error} />
    </form>
  );
}
