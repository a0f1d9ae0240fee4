import { useEffect, useState } from 'preact/hooks';
import { get } from '../../api/client';
import { words } from '../../api/refusal';
import type { StateFile } from '../../api/types';
import { splitAtRefs } from '../../text/refs';
import { bytesText } from '../../text/time';

/** What an agent wrote, as text and nothing else; the files it names open below it. */
export function AgentText({ text, refs }: { text: string; refs: readonly string[] }) {
  const [open, setOpen] = useState<string | null>(null);
  return (
    <div class="agent-text">
      <p>
        {splitAtRefs(text, refs).map((piece) =>
          piece.ref ? (
            <button type="button" class="ref" aria-expanded={open === piece.text} onClick={() => setOpen(open === piece.text ? null : piece.text)}>
              {piece.text}
            </button>
          ) : (
            piece.text
          ),
        )}
      </p>
      {open === null ? null : <FileView key={open} path={open} onClose={() => setOpen(null)} />}
    </div>
  );
}

function FileView({ path, onClose }: { path: string; onClose: () => void }) {
  const [file, setFile] = useState<StateFile | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    get<StateFile>(`/api/state-file?path=${encodeURIComponent(path)}`, stop.signal).then(setFile, (e: unknown) => {
      if (!stop.signal.aborted) setError(words(e));
    });
    return () => stop.abort();
  }, [path]);
  return (
    <figure class="viewer" aria-label={`File ${path}`}>
      <figcaption>
        <span class="path">{path}</span>
        {file === null ? null : <span class="dim">{bytesText(file.size)}</span>}
        <button type="button" class="plain" aria-label={`Close ${path}`} onClick={onClose}>
          ✗
        </button>
      </figcaption>
      {error !== null ? (
        <p class="refused" role="alert">
          ⚠ This file cannot be shown: it is gone, or not one that may be read from here. ({error})
        </p>
      ) : file === null ? (
        <p class="dim" role="status">
          <span class="spinner" aria-hidden="true" /> reading …
        </p>
      ) : (
        <>
          <pre tabIndex={0}>{file.content === '' ? '(empty file)' : file.content}</pre>
          {file.truncated ? <p class="note">Only the beginning is shown; the whole file has {bytesText(file.size)}.</p> : null}
        </>
      )}
    </figure>
  );
}
