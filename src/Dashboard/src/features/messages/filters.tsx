import { useEffect, useRef, useState } from 'preact/hooks';
import { useKey } from '../../ui/keys';
import { setQuery } from '../../ui/link';
import { containers } from '../containers';
import { type Filter, instantOf, isEmpty, KINDS, RECENT } from './filter';
import { listAsked } from './list';
import { messages } from './store';

/** The search waits for a pause in the typing. */
const PAUSE_MS = 200;

/** Every member of a filter, without a value. */
const NONE = { q: null, agent: null, with: null, kind: null, state: null, to: null, since: null, until: null };

const inboxIs = ({ to, state }: Filter): boolean => to === 'operator' && state === 'unread';

export function FilterBar({ filter }: { filter: Filter }) {
  const { agent, with: other, kind, state } = filter;
  const inbox = inboxIs(filter);
  return (
    <div class="filters" role="search" aria-label="Filter the messages">
      <Words q={filter.q ?? ''} />
      <span class="filter-chips">
        <Chip on={isEmpty(filter)} change={NONE}>
          all
        </Chip>
        <Chip on={inbox} change={inbox ? { to: null, state: null } : { ...NONE, to: 'operator', state: 'unread' }}>
          to you <span class={`n ${messages.inboxUnread.value > 0 ? 'waits' : ''}`}>{messages.inboxUnread.value}</span>
        </Chip>
        <Chip
          on={!inbox && state === 'unread'}
          change={{ state: state === 'unread' && !inbox ? null : 'unread', to: null }}
        >
          unread
        </Chip>
        <Chip on={state === 'parked'} change={{ state: state === 'parked' ? null : 'parked', to: null }}>
          parked{' '}
          <span class={`n ${messages.parked.value.length > 0 ? 'waits' : ''}`}>{messages.parked.value.length}</span>
        </Chip>
      </span>
      <span class="filter-choices">
        <Choice
          label="Agent"
          none="any agent"
          value={agent}
          values={['operator', ...containers.names.value]}
          onChange={(value) => setQuery({ agent: value, ...(value === null ? { with: null } : {}) })}
        />
        {agent === undefined ? null : (
          <Choice
            label="And"
            none="and anybody"
            value={other}
            values={['operator', ...containers.names.value].filter((name) => name !== agent)}
            onChange={(value) => setQuery({ with: value })}
          />
        )}
        <Choice
          label="Kind"
          none="any kind"
          value={kind}
          values={KINDS}
          onChange={(value) => setQuery({ kind: value })}
        />
        <Times filter={filter} />
      </span>
    </div>
  );
}

const TIMES = { '1h': 'last hour', today: 'today', '7d': '7 days' } as const;

/** An instant in the form of a box for date and time: in the zone of the browser, to the minute. */
const local = (at: string | undefined): string => {
  if (at === undefined) return '';
  const then = new Date(at);
  return new Date(then.getTime() - then.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};

/** When the messages were sent: a time counted back from now, or from one instant to another. */
function Times({ filter: { since, until } }: { filter: Filter }) {
  const recent = until === undefined ? RECENT.find((one) => one === since) : undefined;
  const ranges = recent === undefined && (since ?? until) !== undefined;
  const choose = (value: string) => {
    if (value === 'range') setQuery({ since: instantOf('today', new Date()), until: null });
    else setQuery({ since: value === '' ? null : value, until: null });
  };
  return (
    <>
      <select
        class="field"
        aria-label="Sent"
        value={recent ?? (ranges ? 'range' : '')}
        onChange={(e) => choose(e.currentTarget.value)}
      >
        <option value="">any time</option>
        {RECENT.map((one) => (
          <option key={one} value={one}>
            {TIMES[one]}
          </option>
        ))}
        <option value="range">from … to …</option>
      </select>
      {ranges ? (
        <>
          <Instant
            label="Sent from"
            value={since === undefined ? undefined : instantOf(since, new Date())}
            onChange={(since) => setQuery({ since })}
          />
          <Instant label="Sent before" value={until} onChange={(until) => setQuery({ until })} />
        </>
      ) : null}
    </>
  );
}

function Instant({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string | undefined;
  onChange: (value: string | null) => void;
}) {
  return (
    <input
      type="datetime-local"
      class="field"
      aria-label={label}
      value={local(value)}
      onChange={(e) => {
        const at = new Date(e.currentTarget.value);
        onChange(Number.isNaN(at.getTime()) ? null : at.toISOString());
      }}
    />
  );
}

function Words({ q }: { q: string }) {
  const box = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(q);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  /** The words that this box has put into the address. */
  const own = useRef(q);
  // The address has changed by another way, such as the browser's back.
  useEffect(() => {
    if (q === own.current) return;
    own.current = q;
    setTyped(q);
  }, [q]);
  useEffect(() => () => void (timer.current !== null && clearTimeout(timer.current)), []);
  useKey('filter', () => box.current?.focus());
  const search = (text: string, now: boolean) => {
    if (timer.current !== null) clearTimeout(timer.current);
    const set = () => {
      own.current = text.trim();
      setQuery({ q: own.current });
    };
    if (now) set();
    else timer.current = setTimeout(set, PAUSE_MS);
  };
  return (
    <input
      ref={box}
      type="search"
      class="field words"
      aria-label="Words of the messages"
      placeholder="⌕ words"
      maxLength={1000}
      value={typed}
      onInput={(e) => {
        setTyped(e.currentTarget.value);
        search(e.currentTarget.value, false);
      }}
      onKeyDown={(e) => {
        if (e.isComposing || e.key !== 'Enter') return;
        e.preventDefault();
        search(typed, true);
        listAsked.value = true;
      }}
    />
  );
}

function Chip({
  on,
  change,
  children,
}: {
  on: boolean;
  change: Readonly<Record<string, string | null>>;
  children: preact.ComponentChildren;
}) {
  return (
    <button type="button" class={`chip ${on ? 'chosen' : ''}`} aria-pressed={on} onClick={() => setQuery(change, true)}>
      {children}
    </button>
  );
}

function Choice({
  label,
  none,
  value,
  values,
  onChange,
}: {
  label: string;
  none: string;
  value: string | undefined;
  values: readonly string[];
  onChange: (value: string | null) => void;
}) {
  // A name in the address may be gone by now: it is shown all the same.
  const all = value === undefined || values.includes(value) ? values : [value, ...values];
  return (
    <select
      class="field"
      aria-label={label}
      value={value ?? ''}
      onChange={(e) => onChange(e.currentTarget.value === '' ? null : e.currentTarget.value)}
    >
      <option value="">{none}</option>
      {all.map((one) => (
        <option key={one} value={one}>
          {one === 'operator' && label !== 'Kind' ? 'you' : one}
        </option>
      ))}
    </select>
  );
}
