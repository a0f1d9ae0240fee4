import { useEffect, useState } from 'preact/hooks';
import { answerOf, api } from '../../api/client';
import { words } from '../../api/refusal';
import type { StateFile } from '../../api/types';
import { Fault } from '../../ui/fault';
import { Label } from '../../ui/label';
import { Panel } from '../../ui/panel';
import { Reading } from '../../ui/reading';
import { utf8Bytes } from '../../ui/text/bytes';
import { bytesText } from '../../ui/text/time';
import { Content, isRendered, Viewer } from './content';

/** A file in the side panel; its content is fetched when it is opened. */
export function FilePanel({ name: path }: { name: string }) {
  const [file, setFile] = useState<StateFile | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [raw, setRaw] = useState(false);
  useEffect(() => {
    const stop = new AbortController();
    answerOf(api.GET('/api/state-file', { params: { query: { path } }, signal: stop.signal })).then(
      setFile,
      (e: unknown) => {
        if (!stop.signal.aborted) setError(words(e));
      },
    );
    return () => stop.abort();
  }, [path]);
  const canRender = file !== null && isRendered(path, file.content);
  return (
    <Panel
      label={`File ${path}`}
      feature="files"
      title={<bdi class="mono">{path}</bdi>}
      aside={
        <>
          {file === null ? null : <span class="dim n">{bytesText(file.size)}</span>}
          {canRender ? (
            <button type="button" class="act" aria-pressed={raw} onClick={() => setRaw(!raw)}>
              <Label text={raw ? '◉ R4W' : '○ R4W'} />
            </button>
          ) : null}
        </>
      }
    >
      <Viewer>
        {error !== null ? (
          <Fault error={`This file cannot be shown: it is missing, or may not be read from here. (${error})`} />
        ) : file === null ? (
          <Reading />
        ) : (
          <>
            {file.truncated ? (
              <p class="note">
                ✂ truncated: only the first {bytesText(utf8Bytes(file.content))} of {bytesText(file.size)} are shown.
              </p>
            ) : null}
            <Content path={path} text={file.content} raw={raw} />
          </>
        )}
      </Viewer>
    </Panel>
  );
}
