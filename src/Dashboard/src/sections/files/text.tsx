import { useState } from 'preact/hooks';
import { utf8Bytes } from '../../text/bytes';
import { beginning, splitAtRefs } from '../../text/refs';
import { bytesText } from '../../text/time';
import { FileView } from './viewer';

interface Props {
  text: string;
  refs: readonly string[];
  /** Of a longer text so many characters are shown until somebody wants the whole. */
  most?: number;
}

/** What an agent wrote, as text and nothing else; the files it names open below it. */
export function AgentText({ text, refs, most = Number.POSITIVE_INFINITY }: Props) {
  const [open, setOpen] = useState<string | null>(null);
  const [whole, setWhole] = useState(false);
  const shown = whole ? text : beginning(text, most);
  return (
    <div class="agent-text">
      <p>
        {splitAtRefs(shown, refs).map((piece) =>
          piece.ref ? (
            <button type="button" class="ref" aria-expanded={open === piece.text} onClick={() => setOpen(open === piece.text ? null : piece.text)}>
              {piece.text}
            </button>
          ) : (
            piece.text
          ),
        )}
        {shown === text ? null : ' …'}
      </p>
      {text.length <= most ? null : (
        <button type="button" class="ref whole" aria-expanded={whole} onClick={() => setWhole(!whole)}>
          {whole ? 'show less' : `show all ${bytesText(utf8Bytes(text))}`}
        </button>
      )}
      {open === null ? null : <FileView key={open} path={open} onClose={() => setOpen(null)} />}
    </div>
  );
}
