import { useState } from 'preact/hooks';
import { request } from '../../api/client';
import { codeIn, signedOut, signIn } from '../../api/session';
import type { SessionKey } from '../../api/types';
import { Submit } from '../../ui/act';
import { Fault } from '../../ui/fault';
import { useSending } from '../../ui/sending';

/** Turns the code of a login link, or the access token, into a session's key. */
export async function redeem(code: string): Promise<void> {
  const response = await request('/api/session', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ code }) });
  signIn(((await response.json()) as SessionKey).key);
}

export function Login({ onEntered }: { onEntered: () => void }) {
  const [typed, setTyped] = useState('');
  const { busy, error, setError, send } = useSending();
  const submit = () => {
    const text = typed.trim();
    if (text === '') return;
    void send(null, async () => {
      await redeem(codeIn(text) ?? text);
      onEntered();
    });
  };
  return (
    <main class="login">
      <h1 aria-label="Hive">
        <span class="shade" aria-hidden="true">
          ░▒▓█▓▒░
        </span>{' '}
        HIVE{' '}
        <span class="shade" aria-hidden="true">
          ░▒▓█▓▒░
        </span>
      </h1>
      <Fault error={signedOut.value === '' ? null : signedOut.value} />
      <p>This page shows a swarm to its operator alone. On the machine it runs on, ask for a fresh login link and open it:</p>
      <pre class="command" tabIndex={0}>
        <span class="dim">$</span> ./hive open
      </pre>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          submit();
        }}
      >
        <label for="code">Or paste the link, its code, or the access token</label>
        <div class="login-line">
          <input
            id="code"
            type="password"
            autocomplete="off"
            spellcheck={false}
            value={typed}
            aria-invalid={error !== null}
            onInput={(e) => {
              setTyped(e.currentTarget.value);
              setError(null);
            }}
          />
          <Submit label="3NT3R" plain="Enter" tone="info solid" busy={busy} />
        </div>
        <Fault error={error} />
      </form>
    </main>
  );
}
