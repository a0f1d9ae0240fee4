import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { isPending, perform } from '../ui/action';
import { keyOf, useKey } from '../ui/keys';
import { LABELS } from '../ui/labels';
import { Modal } from '../ui/modal';
import { type Command, commandSources, type Step } from '../ui/registry';
import { bodyOfText, faultOfText, sendText } from '../ui/with-text';
import { Writing } from '../ui/writing';
import { fitting } from './fuzzy';
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

/** The words that find an entry besides its title: its group, its own words and both spellings of its label. */
const wordsOf = ({ label, group, words = '' }: Command): string =>
  `${group} ${words}${label === undefined ? '' : ` ${label} ${LABELS[label]}`}`;

/** Entries for a text, the best first; without a text the latest first. */
export function ranked(entries: readonly Command[], typed: string, recent: readonly string[]): Command[] {
  const text = typed.trim();
  const at = ({ id }: Command): number => {
    const index = recent.indexOf(id);
    return index < 0 ? recent.length : index;
  };
  if (text === '') return entries.toSorted((a, b) => at(a) - at(b)).slice(0, SHOWN);
  return fitting(entries, text, (entry) => [entry.title, wordsOf(entry), entry.found], SHOWN);
}

/** Each entry once, where several sources offer it: the first one. */
export function once(entries: readonly Command[]): Command[] {
  const ids = new Set<string>();
  return entries.filter(({ id }) => !ids.has(id) && ids.add(id));
}

/**
 * Where the chosen entry is now: things arrive while the palette is open. Null chooses the first one; when the chosen
 * one is gone, none is chosen.
 */
export const chosenIn = (shown: readonly Command[], id: string | null): number =>
  id === null ? Math.min(0, shown.length - 1) : shown.findIndex((entry) => entry.id === id);

/** Searches everything on the page and does every action; an action with arguments asks for them one after another. */
export function PaletteView({ first, close }: { first: Step | null; close: () => void }) {
  const [steps, setSteps] = useState<readonly Step[]>(first === null ? [] : [first]);
  const step = steps.at(-1);
  const back = () => {
    if (steps.length > (first === null ? 0 : 1)) setSteps(steps.slice(0, -1));
    else close();
  };
  const depth = useRef(steps.length);
  useLayoutEffect(() => {
    if (depth.current === steps.length) return;
    depth.current = steps.length;
    // Before the next key: the box of the step before is gone.
    document.querySelector<HTMLElement>('.palette input, .palette textarea')?.focus();
  }, [steps.length]);
  const label = step?.title ?? 'Search or do anything';
  // Mounted after the dialog below it, whose layer this belongs to.
  useKey('palette', close, true, 'dialog');
  return (
    <Modal label={label} class="palette" onClose={back}>
      {step === undefined ? null : <h2>{step.title}</h2>}
      {step?.text === undefined ? (
        <Entries
          key={steps.length}
          step={step}
          label={label}
          onStep={(next) => setSteps([...steps, next])}
          close={close}
        />
      ) : (
        <Text key={steps.length} one={step.text} onLeave={back} close={close} />
      )}
    </Modal>
  );
}

/** The text of an action. */
function Text({ one, onLeave, close }: { one: NonNullable<Step['text']>; onLeave: () => void; close: () => void }) {
  // The palette may have been closed since, and opened again.
  const there = useRef(true);
  useLayoutEffect(
    () => () => {
      there.current = false;
    },
    [],
  );
  const closeThis = () => {
    if (there.current) close();
  };
  return (
    <Writing
      target={one.target}
      label={`${LABELS[one.label]} ${one.of}`}
      placeholder={one.placeholder}
      send={{
        label: one.label,
        plain: `${LABELS[one.label]} ${one.of}`,
        tone: one.weight === 'danger' ? 'bad' : 'primary',
      }}
      bodyOf={(text) => bodyOfText(one, text)}
      reader={() => one.reader}
      faultOf={(text, file) => faultOfText(one, text, file)}
      onSend={async (body, text) => {
        const sent = await sendText(one, body, text, (action) => {
          const done = (one.act ?? perform)(action);
          // A held action is done with here.
          if (isPending(action)) closeThis();
          return done;
        });
        if (sent) closeThis();
        return sent ? null : false;
      }}
      onLeave={onLeave}
      lines={2}
      focused
    />
  );
}

interface EntriesProps {
  step: Step | undefined;
  label: string;
  onStep: (next: Step) => void;
  close: () => void;
}

function Entries({ step, label, onStep, close }: EntriesProps) {
  const [typed, setTyped] = useState('');
  const [choice, setChoice] = useState<string | null>(null);
  const [recent] = useState(latest);
  const list = useRef<HTMLDivElement>(null);
  const entries =
    step === undefined
      ? commandSources.value.flatMap((source) => source.entries(typed))
      : (step.entries?.(typed) ?? []);
  const shown = ranked(once(entries), typed, recent);
  const chosen = chosenIn(shown, choice);
  const choose = (at: number) => setChoice(shown[at]?.id ?? null);
  // The entry that stands first is the chosen one from its first drawing on.
  const first = shown[0]?.id ?? null;
  useLayoutEffect(() => {
    if (choice === null && first !== null) setChoice(first);
  }, [choice, first]);
  const move = (to: number) => {
    const next = (to + shown.length) % Math.max(1, shown.length);
    choose(next);
    list.current?.children[next]?.scrollIntoView({ block: 'nearest' });
  };
  const run = (entry: Command | undefined) => {
    if (entry === undefined) return;
    remember(entry.id);
    if (entry.asks !== undefined) {
      onStep(entry.asks());
      return;
    }
    close();
    // The page is whole again, and the focus where it was, before the action moves it.
    setTimeout(() => void entry.run?.(), 0);
  };
  return (
    <>
      <input
        class="field"
        type="text"
        role="combobox"
        aria-label={label}
        aria-expanded="true"
        aria-controls="palette-entries"
        aria-activedescendant={chosen >= 0 ? `palette-${chosen}` : undefined}
        aria-autocomplete="list"
        autocomplete="off"
        spellcheck={false}
        placeholder={step === undefined ? "a place, an agent, a message's number, or what to do" : ''}
        value={typed}
        onInput={(e) => {
          setTyped(e.currentTarget.value);
          setChoice(null);
        }}
        onKeyDown={(e) => {
          if (e.isComposing) return;
          if (e.key === 'ArrowDown' || (e.ctrlKey && e.key === 'n')) move(chosen + 1);
          else if (e.key === 'ArrowUp' || (e.ctrlKey && e.key === 'p')) move(Math.max(0, chosen) - 1);
          else if (e.key === 'Enter') {
            // The chosen entry has gone: this press only chooses again.
            if (chosen < 0) setChoice(null);
            else if (!e.repeat) run(shown[chosen]);
          } else return;
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
            onPointerMove={() => choose(i)}
          >
            <bdi class="entry-title">
              {entry.title}
              {entry.asks === undefined ? '' : ' …'}
            </bdi>
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
    </>
  );
}
