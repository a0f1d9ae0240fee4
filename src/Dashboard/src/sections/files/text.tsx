import { useState } from 'preact/hooks';
import { splitAtRefs } from '../../text/refs';
import { FileView } from './viewer';

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
