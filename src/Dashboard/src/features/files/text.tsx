import type { ComponentChild } from 'preact';
import { useState } from 'preact/hooks';
import { openPanel } from '../../ui/panel';
import { beginning } from '../../ui/text/beginning';
import { utf8Bytes } from '../../ui/text/bytes';
import { bytesText } from '../../ui/text/time';
import { splitAtRefs } from './refs';

interface Props {
  text: string;
  refs: readonly string[];
  /** The number of characters that are shown of a longer text at first. */
  most?: number | undefined;
  /** The number of lines that are shown of a longer text at first. */
  lines?: number | undefined;
  /** Whether all of it is shown, where something else keeps that. */
  whole?: boolean | undefined;
  onWhole?: ((whole: boolean) => void) | undefined;
}

/** The first lines of a text. */
function firstLines(text: string, most: number): string {
  let at = -1;
  for (let i = 0; i < most; i++) {
    at = text.indexOf('\n', at + 1);
    if (at < 0) return text;
  }
  return text.slice(0, at);
}

/** An agent's text, as plain text; the files that it names open in the side panel. */
export function AgentText({
  text,
  refs,
  most = Number.POSITIVE_INFINITY,
  lines = Number.POSITIVE_INFINITY,
  whole: kept,
  onWhole,
}: Props) {
  const [own, setOwn] = useState(false);
  const whole = kept ?? own;
  const start = beginning(lines === Number.POSITIVE_INFINITY ? text : firstLines(text, lines), most);
  const shown = whole ? text : start;
  return (
    <div class="agent-text feature-files">
      <p>
        <bdi>{linked(shown, refs)}</bdi>
        {shown === text ? null : <span class="dim"> …</span>}
      </p>
      {start === text ? null : (
        <button
          type="button"
          class="ref whole"
          aria-expanded={whole}
          onClick={() => (onWhole === undefined ? setOwn(!whole) : onWhole(!whole))}
        >
          {whole ? 'show less' : `show all ${bytesText(utf8Bytes(text))}`}
        </button>
      )}
    </div>
  );
}

/** A text in which each file that it names opens in the side panel. */
export function linked(text: string, refs: readonly string[]): ComponentChild {
  return splitAtRefs(text, refs).map((piece) =>
    piece.ref ? (
      <button type="button" class="ref" onClick={() => openPanel(`file:${piece.text}`)}>
        {piece.text}
      </button>
    ) : (
      piece.text
    ),
  );
}
