import { useEffect, useState } from 'preact/hooks';
import { answerOf, api } from '../../../api/client';
import { words } from '../../../api/refusal';
import type { KeptArtifact } from '../../../api/types';
import { Clock } from '../../../ui/clock';
import { Fault } from '../../../ui/fault';
import { Label } from '../../../ui/label';
import { Panel } from '../../../ui/panel';
import { bytesText } from '../../../ui/text/time';
import { Content, isRendered, Viewer } from '../../files';
import { at } from '../actions';

/** The kept content as a text; null for a commit, which has none. */
export const contentText = ({ content, artifact_content: data }: { content?: string; artifact_content?: object }) =>
  content ?? (data == null ? null : JSON.stringify(data, null, 2));

/** An artifact as it was handed in: the file may be another one by now. */
export function ArtifactPanel({ name }: { name: string }) {
  const [kept, setKept] = useState<KeptArtifact | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [raw, setRaw] = useState(false);
  useEffect(() => {
    const stop = new AbortController();
    answerOf(api.GET('/api/v1/artifacts/{id}', { ...at(Number(name)), signal: stop.signal })).then(
      setKept,
      (e: unknown) => {
        if (!stop.signal.aborted) setError(words(e));
      },
    );
    return () => stop.abort();
  }, [name]);
  const text = contentText(kept ?? {});
  const path = kept?.path ?? 'data.json';
  const canRender = text !== null && isRendered(path, text);
  return (
    <Panel
      label={`Artifact ${name}`}
      feature="files"
      title={
        kept === null ? (
          `Artifact ${name}`
        ) : (
          <>
            <bdi>{kept.type.replaceAll('_', ' ')}</bdi> <span class="dim n">{bytesText(kept.size)}</span>
          </>
        )
      }
      aside={
        canRender ? (
          <button type="button" class="act" aria-pressed={raw} onClick={() => setRaw(!raw)}>
            <Label text={raw ? '◉ R4W' : '○ R4W'} />
          </button>
        ) : null
      }
    >
      <Viewer>
        <Fault error={error === null ? null : `This artifact cannot be shown: ${error}`} />
        {kept === null ? null : (
          <>
            <p class="dim">
              handed in by <bdi class="mono">{kept.by}</bdi>, <Clock at={kept.at} />
              {kept.path == null ? null : (
                <>
                  {', from '}
                  <bdi class="mono">{kept.path}</bdi>
                </>
              )}
            </p>
            {kept.sha == null ? null : (
              <p>
                commit <bdi class="mono">{kept.sha}</bdi>
                {kept.repository == null ? null : (
                  <>
                    {' of '}
                    <bdi class="mono">{kept.repository}</bdi>
                  </>
                )}
              </p>
            )}
            {text === null ? (
              kept.sha == null ? (
                <p class="note">Its content is longer than what is kept; its SHA-256 is {kept.digest}.</p>
              ) : null
            ) : (
              <Content path={path} text={text} raw={raw} />
            )}
          </>
        )}
      </Viewer>
    </Panel>
  );
}
