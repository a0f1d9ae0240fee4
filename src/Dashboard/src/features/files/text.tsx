import type { ComponentChild } from 'preact';
import { useState } from 'preact/hooks';
import { utf8Bytes } from '../../ui/text/bytes';
import { bytesText } from '../../ui/text/time';
import { beginning, splitAtRefs } from './refs';
import { FileView } from './viewer';

interface Props {
  text: string;
  refs: readonly string[];
  /** The number of characters that are shown of a longer text at first. */
  most?: number | undefined;
}

/** An agent's text, as plain text; the files it names open below it. */
export function AgentText({ text, refs, most = Number.POSITIVE_INFINITY }: Props) {
  const [whole, setWhole] = useState(false);
  const files = useFiles(refs);
  const shown = whole ? text : beginning(text, most);
  return (
    <div class="agent-text feature-files">
      <p>
        <bdi>{files.linked(shown)}</bdi>
        {shown === text ? null : <span class="dim"> …</span>}
      </p>
      {text.length <= most ? null : (
        <button type="button" class="ref whole" aria-expanded={whole} onClick={() => setWhole(!whole)}>
          {whole ? 'show less' : `show all ${bytesText(utf8Bytes(text))}`}
        </button>
      )}
      {files.opened}
    </div>
  );
}

/** Links the files that a text names; one at a time opens below the text. */
export function useFiles(refs: readonly string[]): {
  linked: (text: string) => ComponentChild;
  opened: ComponentChild;
} {
  const [open, setOpen] = useState<string | null>(null);
  return {
    linked: (text) =>
      splitAtRefs(text, refs).map((piece) =>
        piece.ref ? (
          <button
            type="button"
            class="ref"
            aria-expanded={open === piece.text}
            onClick={() => setOpen(open === piece.text ? null : piece.text)}
          >
            {piece.text}
          </button>
        ) : (
          piece.text
        ),
      ),
    opened: open === null ? null : <FileView key={open} path={open} onClose={() => setOpen(null)} />,
  };
}
