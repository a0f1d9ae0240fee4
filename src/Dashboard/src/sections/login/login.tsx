import { useState } from 'preact/hooks';
import { proven } from '../../api/proof';
import { Refusal } from '../../api/refusal';
import { json, request } from '../../api/request';
import { codeIn, signedOut, signIn } from '../../api/session';
import type { SessionKey } from '../../api/types';
import { Submit } from '../../ui/act';
import { Fault } from '../../ui/fault';
import { useSending } from '../../ui/sending';

/** Turns the code of a login link, or the access token, into a session's key, once the host has proved to know it. */
export async function redeem(code: string): Promise<void> {
  let masked: string;
  try {
    masked = await proven(code);
  } catch (e) {
    if (!(e instanceof Refusal) || e.code !== 'unknown_key') throw e;
    throw new Refusal(
      'The host does not know this code: the login link was used or is older than ten minutes; `hive open` gives a fresh one.',
      403,
      'forbidden',
    );
  }
  const response = await request('/api/session', json({ code: masked }));
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
