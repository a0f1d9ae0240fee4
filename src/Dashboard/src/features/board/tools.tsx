import { useRef } from 'preact/hooks';
import type { WorkflowView } from '../../api/types';
import { keyOf, press, useKey } from '../../ui/keys';
import { Label } from '../../ui/label';
import { setQuery } from '../../ui/link';
import { type Found, wordOf } from './cards';
import { type Filter, STATES } from './columns';

/** The board's name in the document, and among the lists that a visit remembers. */
export const BOARD = 'board';

/** The first steps on a board without tickets. */
export function NoTickets({ name }: { name: string | null }) {
  return (
    <div class="empty board-empty">
      {name === null ? (
        <p>
          This Hive has no workflow. Load one: <code>hive workflow load FILE</code>
        </p>
      ) : (
        <>
          <p>No tickets yet.</p>
          <p>
            Make one here, or load several from a file: <code>hive ticket load FILE</code>
          </p>
        </>
      )}
    </div>
  );
}

/** Makes a ticket of the workflow that is shown. */
export const NewTicket = () => (
  <button type="button" class="act info board-new" title={keyOf('new-ticket')} onClick={() => press('new-ticket')}>
    <Label text="⊕ N3W T1CK3T" />
  </button>
);

/** The choice of a workflow. */
export function Workflows({
  names,
  all,
  name,
}: {
  names: readonly string[];
  all: readonly WorkflowView[];
  name: string | null;
}) {
  return (
    <label class="board-workflow">
      <span class="dim">workflow</span>{' '}
      <select
        class="field"
        value={name ?? ''}
        onChange={(e) => setQuery({ workflow: e.currentTarget.value, column: null }, true)}
      >
        {names.map((one) => (
          <option key={one} value={one}>
            {all.find((workflow) => workflow.name === one)?.title ?? one}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The filters of the board; the address has all of them. */
export function Filters({ filter, found }: { filter: Filter; found: Found | null }) {
  const box = useRef<HTMLInputElement>(null);
  useKey('filter', () => box.current?.focus());
  const counts = STATES.map((state) => [state, found?.states[wordOf(state)] ?? 0] as const);
  const chip = (state: string | null, words: string, count: number) => (
    <button
      key={words}
      type="button"
      class={`chip ${filter.state === state ? 'chosen' : ''}`}
      aria-pressed={filter.state === state}
      onClick={() => setQuery({ state: filter.state === state ? null : state }, true)}
    >
      {words} <span class="of n">{count}</span>
    </button>
  );
  return (
    <div class="board-filters">
      <input
        ref={box}
        type="search"
        class="field"
        aria-label="Filter tickets"
        placeholder={`filter   ${keyOf('filter')}`}
        spellcheck={false}
        value={filter.words}
        onInput={(e) => setQuery({ q: e.currentTarget.value })}
        onKeyDown={(e) => {
          // With an input method they choose among its suggestions.
          if (e.isComposing || (e.key !== 'Enter' && e.key !== 'ArrowDown')) return;
          e.preventDefault();
          document.getElementById(BOARD)?.focus();
        }}
      />
      <div class="chips" role="group" aria-label="Tickets by state">
        {found === null ? null : chip(null, 'all', found.count)}
        {counts
          .filter(([state, count]) => count > 0 || filter.state === state)
          .map(([state, count]) => chip(state, state, count))}
      </div>
    </div>
  );
}
