import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { get } from '../../api/client';
import { words } from '../../api/refusal';
import type { Logs } from '../../api/types';

const LINES = 200;
const MAX_LINES = 5000;

/** The newest lines an agent has written; content is fetched when asked for, never pushed. */
export function LogsDrawer({ name, onClose }: { name: string; onClose: () => void }) {
  const [lines, setLines] = useState<readonly string[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [wanted, setWanted] = useState(LINES);
  const text = useRef<HTMLPreElement>(null);

  const load = useCallback(
    async (stop: AbortSignal) => {
      setBusy(true);
      setError(null);
      try {
        setLines((await get<Logs>(`/api/logs/${encodeURIComponent(name)}?lines=${wanted}`, stop)).lines);
      } catch (e) {
        if (!stop.aborted) setError(words(e));
      } finally {
        if (!stop.aborted) setBusy(false);
      }
    },
    [name, wanted],
  );
  useEffect(() => {
    const stop = new AbortController();
    void load(stop.signal);
    return () => stop.abort();
  }, [load]);
  useEffect(() => {
    if (text.current !== null) text.current.scrollTop = text.current.scrollHeight;
  }, [lines]);

  return (
    <figure class="viewer logs" aria-label={`Logs of ${name}`}>
      <figcaption>
        <span class="path">↳ logs · {name}</span>
        <span class="buttons">
          {lines !== null && lines.length >= wanted && wanted < MAX_LINES ? (
            <button type="button" class="plain" disabled={busy} onClick={() => setWanted(MAX_LINES)}>
              ↑ more
            </button>
          ) : null}
          <button type="button" class="plain" disabled={busy} aria-label={`Read the logs of ${name} again`} onClick={() => void load(new AbortController().signal)}>
            {busy ? <span class="spinner" aria-hidden="true" /> : '↻'}
          </button>
          <button type="button" class="plain" aria-label={`Close the logs of ${name}`} onClick={onClose}>
            ✗
          </button>
        </span>
      </figcaption>
      {error !== null ? (
        <p class="refused" role="alert">
          ⚠ {error}
        </p>
      ) : lines === null ? (
        <p class="dim" role="status">
          <span class="spinner" aria-hidden="true" /> reading …
        </p>
      ) : (
        <pre ref={text} tabIndex={0}>
          {lines.length === 0 ? '(nothing written yet)' : lines.join('\n')}
        </pre>
      )}
    </figure>
  );
}
