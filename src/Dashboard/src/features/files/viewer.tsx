import { useEffect, useState } from 'preact/hooks';
import { answerOf, api } from '../../api/client';
import { words } from '../../api/refusal';
import type { StateFile } from '../../api/types';
import { Fault } from '../../ui/fault';
import { Label } from '../../ui/label';
import { Panel } from '../../ui/panel';
import { utf8Bytes } from '../../ui/text/bytes';
import { counted } from '../../ui/text/figures';
import { bytesText } from '../../ui/text/time';
import { rendering } from './rendering';

/** Longer Markdown is shown as its source: rendering it would block the page. */
const RENDERED_CHARS = 200_000;
/** The number of lines that are shown at first, and added with each click. */
const LINES = 1000;
/** The beginning of a longer line is shown: the browser takes seconds to break a mebibyte into rows. */
const LINE_CHARS = 10_000;

const isMarkdown = (path: string): boolean => /\.(md|markdown)$/i.test(path);

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
  const renders = file !== null && isMarkdown(path) && file.content.length <= RENDERED_CHARS;
  return (
    <Panel
      label={`File ${path}`}
      feature="files"
      title={<bdi class="mono">{path}</bdi>}
      aside={
        <>
          {file === null ? null : <span class="dim n">{bytesText(file.size)}</span>}
          {renders ? (
            <button type="button" class="act" aria-pressed={raw} onClick={() => setRaw(!raw)}>
              <Label text={raw ? '◉ R4W' : '○ R4W'} />
            </button>
          ) : null}
        </>
      }
    >
      <div class="viewer">
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
            {isMarkdown(path) && !renders ? <p class="note">Too long to be rendered, so its source is shown.</p> : null}
            {file.content === '' ? (
              <p class="dim">(empty file)</p>
            ) : renders && !raw ? (
              <MarkdownText source={file.content} />
            ) : (
              <PlainText text={file.content} />
            )}
          </>
        )}
      </div>
    </Panel>
  );
}

function Reading() {
  return (
    <p class="dim" role="status">
      <span class="spinner" aria-hidden="true" /> reading …
    </p>
  );
}

function MarkdownText({ source }: { source: string }) {
  const renderer = rendering.code.value;
  if (renderer === null && !rendering.missing.value) return <Reading />;
  if (renderer === null)
    return (
      <>
        <p class="note">
          The part of this page that renders Markdown could not be loaded; the page tries again at its next connection
          to the host.
        </p>
        <PlainText text={source} />
      </>
    );
  const { Markdown } = renderer;
  return (
    <div class="markdown" tabIndex={0}>
      <Markdown source={source} />
    </div>
  );
}

function PlainText({ text }: { text: string }) {
  const [shown, setShown] = useState(LINES);
  const lines = text.split(/\r?\n/);
  // A newline at the end does not begin another line.
  if (lines.at(-1) === '') lines.pop();
  const left = lines.length - shown;
  return (
    <>
      <pre class="numbered" data-digits={String(lines.length).length} tabIndex={0}>
        {lines.slice(0, shown).map((line) => (
          <TextLine line={line} />
        ))}
      </pre>
      {left > 0 ? (
        <button type="button" class="plain more" onClick={() => setShown(shown + LINES)}>
          ↓ {Math.min(left, LINES)} more lines, {left} left
        </button>
      ) : null}
    </>
  );
}

function TextLine({ line }: { line: string }) {
  if (line.length <= LINE_CHARS) return <span class="text-line">{`${line}\n`}</span>;
  // Without half of a character that takes two units.
  const shown = line.slice(0, LINE_CHARS).replace(/[\uD800-\uDBFF]$/, '');
  return (
    <span class="text-line">
      {shown}
      <span class="note"> ✂ {counted(line.length - shown.length, 'character')} of this line are left out</span>
      {'\n'}
    </span>
  );
}
