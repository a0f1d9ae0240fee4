import { useState } from 'preact/hooks';
import { request } from '../../api/client';
import { Refusal, words } from '../../api/refusal';
import { codeIn, signedOut, signIn } from '../../api/session';
import type { SessionKey } from '../../api/types';
import { Leet } from '../../ui/leet';

/** Turns the code of a login link into a key. */
export async function redeem(code: string): Promise<void> {
  const response = await request('/api/session', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ code }) });
  signIn(((await response.json()) as SessionKey).key);
}

/** Takes a whole link, its code, or the access token. */
async function enter(typed: string): Promise<void> {
  const code = codeIn(typed);
  try {
    await redeem(code ?? typed);
  } catch (e) {
    if (code !== null || !(e instanceof Refusal) || e.status === 0 || e.status === 429 || e.status >= 500) throw e;
    await request('/dashboard/history?before=1', { headers: { Authorization: `Bearer ${typed}` } });
    signIn(typed);
  }
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
      await enter(text);
      onEntered();
    } catch (e) {
      setError(
        e instanceof Refusal && (e.status === 401 || e.status === 400 || e.status === 404)
          ? 'The host knows neither a login code nor an access token like this one. A code works once and not for long: get a fresh link.'
          : words(e),
      );
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
