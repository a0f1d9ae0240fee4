import { useState } from 'preact/hooks';
import type { EditLine } from './calls';

/** The lines of an edit that are shown at first. */
const EDIT_LINES = 40;

const SIGNS: Record<EditLine['kind'], string> = { same: ' ', added: '+', removed: '−', gap: ' ' };

/** Lines that stay, are removed and are added. */
export function Edit({ lines }: { lines: readonly EditLine[] }) {
  const [whole, setWhole] = useState(false);
  const shown = whole ? lines : lines.slice(0, EDIT_LINES);
  return (
    <>
      <div class="edit">
        {shown.map(({ kind, text: line }, i) => (
          <div key={i} class={`edit-line ${kind}`}>
            <span class="sign">{SIGNS[kind]}</span>
            <code>{line}</code>
          </div>
        ))}
      </div>
      {shown.length === lines.length ? null : (
        <button type="button" class="fold" onClick={() => setWhole(true)}>
          <span class="mark" aria-hidden="true">
            ▸
          </span>
          <span class="dim">{lines.length - shown.length} more lines</span>
        </button>
      )}
    </>
  );
}
