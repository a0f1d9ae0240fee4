import { useState } from 'preact/hooks';
import { request } from '../../api/client';
import { words } from '../../api/refusal';
import { codeIn, signedOut, signIn } from '../../api/session';
import type { SessionKey } from '../../api/types';
import { Leet } from '../../ui/leet';

/** Turns the code of a login link, or the access token, into a session's key. */
export async function redeem(code: string): Promise<void> {
  const response = await request('/api/session', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ code }) });
  signIn(((await response.json()) as SessionKey).key);
}

export function Login({ onEntered }: { onEntered: () => void }) {
  const [typed, setTyped] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const submit = async () => {
    const text = typed.trim();
    if (text === '' || busy) return;
    setBusy(true);
    setError(null);
    try {
      await redeem(codeIn(text) ?? text);
      onEntered();
    } catch (e) {
      setError(words(e));
    } finally {
      setBusy(false);
    }
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
      {signedOut.value === '' || signedOut.value === null ? null : (
        <p class="refused" role="alert">
          ⚠ {signedOut.value}
        </p>
      )}
      <p>This page shows a swarm to its operator alone. On the machine it runs on, ask for a fresh login link and open it:</p>
      <pre class="command" tabIndex={0}>
        <span class="dim">$</span> ./hive open
      </pre>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          void submit();
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
          <button type="submit" class="act info solid" aria-label="Enter" aria-busy={busy} disabled={busy}>
            {busy ? <span class="spinner" aria-hidden="true" /> : null}
            <Leet text="3NT3R" />
          </button>
        </div>
        {error === null ? null : (
          <p class="refused" role="alert">
            ⚠ {error}
          </p>
        )}
      </form>
    </main>
  );
}
