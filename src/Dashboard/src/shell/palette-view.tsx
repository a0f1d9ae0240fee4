import fuzzysort from 'fuzzysort';
import { useMemo, useRef, useState } from 'preact/hooks';
import { keyOf, useKey } from '../ui/keys';
import { LABELS } from '../ui/labels';
import { Modal } from '../ui/modal';
import { type Command, commandSources } from '../ui/registry';
import './palette.css';

/** How many entries are shown at once. */
const SHOWN = 50;
/** How many of the latest entries are remembered. */
const LATEST = 8;
const KEPT = 'hive.palette';

/** The latest entries that were used, the newest first; this browser's. */
function latest(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEPT) ?? '[]');
    return Array.isArray(kept) ? kept.filter((id): id is string => typeof id === 'string') : [];
  } catch {
    return [];
  }
}

function remember(id: string): void {
  try {
    localStorage.setItem(KEPT, JSON.stringify([id, ...latest().filter((other) => other !== id)].slice(0, LATEST)));
  } catch {
    // The storage is full or forbidden: the palette only forgets the order.
  }
}

/** What an entry is found by: its words, and both spellings of its label. */
const wordsOf = ({ title, label, group }: Command): string =>
  label === undefined ? `${title} ${group}` : `${title} ${group} ${label} ${LABELS[label]}`;

/** Entries for a text, the best first; without a text the latest first. */
export function ranked(entries: readonly Command[], typed: string, recent: readonly string[]): Command[] {
  const text = typed.trim();
  const at = ({ id }: Command): number => {
    const index = recent.indexOf(id);
    return index < 0 ? recent.length : index;
  };
  if (text === '') return entries.toSorted((a, b) => at(a) - at(b)).slice(0, SHOWN);
  return fuzzysort
    .go(text, entries, { keys: [(entry) => entry.title, wordsOf], limit: SHOWN, threshold: 0.2 })
    .map(({ obj }) => obj);
}

/** Searches everything on the page and does every action. */
export function PaletteView({ close }: { close: () => void }) {
  const [typed, setTyped] = useState('');
  const [at, setAt] = useState(0);
  const [recent] = useState(latest);
  const list = useRef<HTMLDivElement>(null);
  const entries = commandSources.value.flatMap(({ entries }) => entries(typed));
  const shown = useMemo(() => ranked(entries, typed, recent), [entries, typed, recent]);
  const chosen = Math.min(at, shown.length - 1);
  const move = (to: number) => {
    const next = (to + shown.length) % Math.max(1, shown.length);
    setAt(next);
    list.current?.children[next]?.scrollIntoView({ block: 'nearest' });
  };
  const run = (entry: Command | undefined) => {
    if (entry === undefined) return;
    remember(entry.id);
    close();
    // The page is whole again, and the focus where it was, before the action moves it.
    setTimeout(() => void entry.run(), 0);
  };
  // Mounted after the dialog below it, whose layer this belongs to.
  useKey('palette', close, true, 'dialog');
  return (
    <Modal label="Search or do anything" class="palette" onClose={close}>
      <input
        class="field"
        type="text"
        role="combobox"
        aria-label="Search or do anything"
        aria-expanded="true"
        aria-controls="palette-entries"
        aria-activedescendant={chosen >= 0 ? `palette-${chosen}` : undefined}
        aria-autocomplete="list"
        autocomplete="off"
        spellcheck={false}
        placeholder="a place, an agent, a message's number, or what to do"
        value={typed}
        onInput={(e) => {
          setTyped(e.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(e) => {
          if (e.isComposing) return;
          if (e.key === 'ArrowDown' || (e.ctrlKey && e.key === 'n')) move(chosen + 1);
          else if (e.key === 'ArrowUp' || (e.ctrlKey && e.key === 'p')) move(chosen - 1);
          else if (e.key === 'Enter') run(shown[chosen]);
          else return;
          e.preventDefault();
        }}
      />
      <div ref={list} id="palette-entries" class="entries" role="listbox" aria-label="What was found">
        {shown.map((entry, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the box's
          <div
            key={entry.id}
            id={`palette-${i}`}
            role="option"
            tabIndex={-1}
            aria-selected={i === chosen}
            onClick={() => run(entry)}
            onPointerMove={() => setAt(i)}
          >
            <bdi class="entry-title">{entry.title}</bdi>
            <span class="entry-group">{entry.group}</span>
            {entry.key === undefined ? null : <kbd>{keyOf(entry.key)}</kbd>}
          </div>
        ))}
      </div>
      {shown.length === 0 ? (
        <p class="dim nothing" role="status">
          No match.
        </p>
      ) : null}
    </Modal>
  );
}
