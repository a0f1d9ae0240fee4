import { useState } from 'preact/hooks';
import { redeem } from '../api/login';
import { codeIn, signedOut } from '../api/session';
import { Fault } from '../ui/fault';
import { useSending } from '../ui/sending';
import { Submit } from '../ui/submit';
import './login.css';

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
      <p>Only the operator may see this page. On the machine that runs Hive, get a fresh login link and open it:</p>
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
