import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Reading } from '../../ui/reading';
import { counted } from '../../ui/text/figures';
import { rendering } from './rendering';

/** Longer Markdown is shown as its source: rendering it would block the page. */
const RENDERED_CHARS = 200_000;
/** The number of lines that are shown at first, and added with each click. */
const LINES = 1000;
/** The beginning of a longer line is shown: the browser takes seconds to break a mebibyte into rows. */
const LINE_CHARS = 10_000;

const isMarkdown = (path: string): boolean => /\.(md|markdown)$/i.test(path);

/** Whether a text of a path is shown as rendered Markdown, unless its source is asked for. */
export const isRendered = (path: string, text: string): boolean => isMarkdown(path) && text.length <= RENDERED_CHARS;

/** The frame around a file in a panel. */
export function Viewer({ children }: { children: ComponentChildren }) {
  return <div class="viewer">{children}</div>;
}

/** The content of a file: rendered Markdown, or lines with their numbers. */
export function Content({ path, text, raw }: { path: string; text: string; raw: boolean }) {
  const renders = isRendered(path, text);
  return (
    <>
      {isMarkdown(path) && !renders ? <p class="note">Too long to be rendered, so its source is shown.</p> : null}
      {text === '' ? (
        <p class="dim">(empty file)</p>
      ) : renders && !raw ? (
        <MarkdownText source={text} />
      ) : (
        <PlainText text={text} />
      )}
    </>
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
