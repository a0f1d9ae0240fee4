import { useRef } from 'preact/hooks';
import type { Waiting } from '../../api/types';
import { useKey } from '../../ui/keys';
import { setQuery } from '../../ui/link';
import type { BesideWaiting } from '../../ui/registry';
import { type Filter, listOf } from './filter';
import { kindName } from './row';
import { waiting } from './store';

const NOTHING = { show: null, urgency: null, kind: null, agent: null, q: null };

/** The filters of the list; the address has all of them. */
export function Filters({ filter, beside }: { filter: Filter; beside: readonly BesideWaiting[] }) {
  const box = useRef<HTMLInputElement>(null);
  useKey('filter', () => box.current?.focus());
  const all = waiting.shown.value;
  const snoozed = waiting.all.value.length - all.length;
  const list = listOf(filter, waiting.all.value, beside);
  const of = (urgency: string) => all.filter((row) => row.urgency === urgency).length;
  return (
    <div class="waiting-filters">
      <input
        ref={box}
        type="search"
        class="field"
        aria-label="Filter what waits"
        placeholder="filter"
        value={filter.words}
        onInput={(e) => setQuery({ q: e.currentTarget.value })}
      />
      <div class="chips" role="group" aria-label="Which of them">
        <Chip
          label="all"
          count={all.length}
          chosen={filter.show === null && filter.urgency === null}
          to={{ ...NOTHING, q: filter.words }}
        />
        {(['now', 'soon', 'fyi'] as const).map((urgency) => (
          <Chip
            key={urgency}
            label={urgency}
            count={of(urgency)}
            chosen={filter.show === null && filter.urgency === urgency}
            to={{ show: null, urgency }}
          />
        ))}
        {snoozed > 0 || filter.show === 'snoozed' ? (
          <Chip
            label="snoozed"
            count={snoozed}
            chosen={filter.show === 'snoozed'}
            to={{ ...NOTHING, show: 'snoozed' }}
          />
        ) : null}
      </div>
      <Choice
        label="agent"
        name="agent"
        value={filter.agent}
        all={names(list, (row) => row.agent ?? null).map((name) => [name, name])}
      />
      <Choice
        label="kind"
        name="kind"
        value={filter.kind}
        all={names(list, (row) => row.kind).map((kind) => [
          kind,
          kindName(list.find((row) => row.kind === kind) as Waiting),
        ])}
      />
      <div class="chips" role="group" aria-label="Other lists">
        {beside.map(({ name, label, rows }) => (
          <Chip
            key={name}
            label={label}
            count={rows().length}
            chosen={filter.show === name}
            to={{ ...NOTHING, show: filter.show === name ? null : name }}
          />
        ))}
      </div>
    </div>
  );
}

const names = (rows: readonly Waiting[], of: (row: Waiting) => string | null): string[] =>
  [...new Set(rows.flatMap((row) => of(row) ?? []))].sort();

interface ChipProps {
  label: string;
  count: number;
  chosen: boolean;
  to: Readonly<Record<string, string | null>>;
}

function Chip({ label, count, chosen, to }: ChipProps) {
  return (
    <button
      type="button"
      class={`chip ${chosen ? 'chosen' : ''}`}
      aria-pressed={chosen}
      onClick={() => setQuery(to, true)}
    >
      {label} <span class="of n">{count}</span>
    </button>
  );
}

interface ChoiceProps {
  label: string;
  /** Its part of the address. */
  name: string;
  value: string | null;
  all: readonly (readonly [string, string])[];
}

function Choice({ label, name, value, all }: ChoiceProps) {
  if (all.length < 2 && value === null) return null;
  // The address may name something that the list has not (any more).
  const known = value === null || all.some(([one]) => one === value) ? all : [...all, [value, value] as const];
  return (
    <select
      class="field"
      aria-label={`Only of one ${label}`}
      value={value ?? ''}
      onChange={(e) => setQuery({ [name]: e.currentTarget.value }, true)}
    >
      <option value="">any {label}</option>
      {known.map(([one, shown]) => (
        <option key={one} value={one}>
          {shown}
        </option>
      ))}
    </select>
  );
}
