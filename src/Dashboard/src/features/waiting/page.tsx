import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Waiting } from '../../api/types';
import { type Action, perform } from '../../ui/action';
import { query, search } from '../../ui/address';
import { focusDrawn, hasLostBox } from '../../ui/focus';
import { decidedHere, isFree, writtenIn } from '../../ui/here';
import { useKey } from '../../ui/keys';
import { Label } from '../../ui/label';
import type { Wired } from '../../ui/labels';
import { go, Link, replacePath, setQuery } from '../../ui/link';
import { Main } from '../../ui/main';
import { openMenu } from '../../ui/menu';
import { isNarrow } from '../../ui/narrow';
import { type Params, waitingKind, waitingKinds } from '../../ui/registry';
import { Rows } from '../../ui/rows';
import { useSelection } from '../../ui/selected';
import { containers, muteOrUnmute } from '../containers';
import { actionsOf, canSnooze, textsOf, togetherOf } from './actions';
import { decide, isDecided, isDeciding } from './deciding';
import { Actions, Detail } from './detail';
import { type Filter, filterIn, listOf, narrowed } from './filter';
import { Filters } from './filters';
import { Gone } from './gone';
import { OwnTime } from './own-time';
import { spoken, WaitingRow } from './row';
import { nameOf, snoozeAll, snoozeChoices, snoozeUntil } from './snooze';
import { stepAfter } from './step';
import { waiting } from './store';

const LIST = 'waiting-list';
/** Two lines of text with their space. */
const HEIGHT = 56;

const addressOf = (key: string): string => `/waiting/${encodeURIComponent(key)}`;

/** Focuses the list, which hands the focus on to its current row. */
const focusList = (): void => focusDrawn(() => document.getElementById(LIST), { preventScroll: true });

/** Everything that waits for the operator, decided in place. */
export function WaitingPage({ params }: { params: Params }) {
  const filter = filterIn(query.value);
  const beside = waitingKinds.value.flatMap((kind) => kind.beside ?? []).toSorted((a, b) => a.order - b.order);
  const all = listOf(filter, waiting.all.value, beside);
  const rows = narrowed(all, filter);
  const narrow = isNarrow.value;
  const key = params.key ?? null;
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const selected = useSelected(key, rows);

  // On a wide screen something is always selected, and stays so while more urgent things arrive.
  useLayoutEffect(() => {
    const first = rows.find((row) => !isDeciding(row.key));
    if (key === null && !narrow && first !== undefined) replacePath(addressOf(first.key));
  });

  const select = (row: Waiting | null) => {
    if (row !== null) replacePath(addressOf(row.key));
    else replacePath('/waiting');
  };
  const { last } = selected;
  const goOn = (from: string, mayFocus: () => boolean) => {
    const { key: at } = now.current;
    if (at !== from) {
      // The box of several has the focus, and goes.
      if (at !== null && document.activeElement?.closest('[data-many]') && mayFocus()) focusList();
      return;
    }
    const next = stepAfter(from, { ...now.current, was: last.current }, isDeciding);
    if (narrow) go(`/waiting${search.peek()}`);
    else if (next !== undefined) select(next);
    if (mayFocus()) focusList();
  };
  // A decision may take long: it goes on from what is there then, and from nothing once the place was left.
  const now = useRef<{ key: string | null; rows: readonly Waiting[] }>({ key, rows });
  now.current = { key, rows };
  useEffect(
    () => () => {
      now.current = { key: null, rows: [] };
    },
    [],
  );
  const decideOn = (decided: readonly Waiting[]) => (action: Action) => {
    const isHere = decidedHere('#place');
    return decide(
      decided.map((row) => row.key),
      action,
      () => {
        // Rows that were chosen since stay so.
        setChosen((all) => new Set([...all].filter((one) => !decided.some((row) => row.key === one))));
        // Of several, the one that the keyboard is on.
        goOn((decided.find((row) => row.key === now.current.key) ?? decided[0])?.key ?? '', isHere);
      },
    );
  };
  // Gone, with what had the focus: where it was decided elsewhere, the detail says so.
  const isGone = key !== null && selected.row === null;
  useLayoutEffect(() => {
    if (isGone && document.activeElement === document.body)
      document.getElementById('waiting-detail')?.focus({ preventScroll: true });
  }, [isGone]);
  // Decided here, and gone now: nothing has to be said of it, unless the operator was writing about it.
  useLayoutEffect(() => {
    if (isGone && isDecided(key) && !hasLostBox()) goOn(key, () => isFree('#place'));
  });
  // Held rows were decided.
  const picked = rows.filter((row) => chosen.has(row.key) && !isDeciding(row.key));
  useSelection(() => {
    if (picked.length > 1) {
      const name = `${picked.length} selected`;
      return { name, ...togetherOf(picked, name), act: decideOn(picked) };
    }
    const { row } = selected;
    return row === null
      ? null
      : { name: nameOf(row), actions: actionsOf(row), texts: textsOf(row), act: decideOn([row]) };
  });
  useKey('back', () => {
    if (chosen.size === 0) return false;
    setChosen(new Set());
    return true;
  });

  const list = (
    <div class="waiting-side">
      <Rows
        id={LIST}
        label="What waits for you"
        rows={rows}
        keyOf={(row) => row.key}
        nameOf={spoken}
        height={HEIGHT}
        view={(row) => <WaitingRow row={row} held={isDeciding(row.key)} />}
        current={rows.some((row) => row.key === key) ? key : null}
        onCurrent={(row) => {
          if (!narrow) select(row);
        }}
        onOpen={(row, by) => {
          if (narrow) go(addressOf(row.key) + search.peek());
          else if (by === 'key')
            (
              document.querySelector<HTMLElement>('.waiting-detail textarea, .waiting-detail .diff') ??
              document.querySelector<HTMLElement>('.waiting-detail button')
            )?.focus();
        }}
        onActions={(row, at) => openRowMenu(row, at, decideOn([row]))}
        chosen={chosen}
        onChosen={setChosen}
        empty={<Empty filter={filter} all={all} beside={beside.find(({ name }) => name === filter.show)?.empty} />}
      />
    </div>
  );
  const detail =
    picked.length > 1 ? (
      <Many rows={picked} decideOn={decideOn} onClear={() => setChosen(new Set())} />
    ) : key === null || (selected.row === null && isDeciding(key)) ? null : selected.row === null ? (
      <Gone
        key={key}
        name={key}
        was={selected.was}
        draft={selected.was === null ? null : (waitingKind(selected.was.kind)?.draft?.(selected.was) ?? null)}
        onFound={selected.found}
      />
    ) : (
      <Detail
        key={key}
        row={selected.row}
        held={isDeciding(key)}
        decide={decideOn([selected.row])}
        decided={(sent) => {
          // It still waits where its detail goes with the place, or when several are selected.
          if (waiting.get(key) !== undefined) return;
          const written = writtenIn('#waiting-detail');
          // The operator is writing something other than the sent code.
          if (written !== null && written !== '' && written !== sent) return;
          goOn(key, () => written !== null || isFree('#place'));
        }}
        onLeave={focusList}
      />
    );
  return (
    <Main
      feature="waiting"
      title="Y3R C4LL"
      fills
      parts={{ [LIST]: 'the list', 'waiting-detail': 'the selected thing' }}
      aside={narrow && key !== null ? null : <Filters filter={filter} beside={beside} />}
    >
      <div class={`waiting-parts ${narrow && key !== null ? 'one' : ''}`}>
        {narrow && key !== null ? null : list}
        {narrow && key === null && picked.length < 2 ? null : (
          <div class="waiting-whole" id="waiting-detail" tabIndex={-1}>
            {narrow && key !== null ? (
              <p>
                <Link to={`/waiting${search.value}`} class="act">
                  <Label text="‹ B4CK" of="to the list" />
                </Link>
              </p>
            ) : null}
            {detail}
          </div>
        )}
      </div>
      <OwnTime />
    </Main>
  );
}

/** The row of a key: one of the list, or one that the list leaves out; and how it was before it went. */
function useSelected(key: string | null, rows: readonly Waiting[]) {
  const [found, setFound] = useState<Waiting | null>(null);
  const before = useRef<Waiting | null>(null);
  const last = useRef(0);
  const at = rows.findIndex((row) => row.key === key);
  useEffect(() => {
    if (at >= 0) last.current = at;
  });
  const row =
    key === null ? null : (rows[at] ?? waiting.get(key) ?? (found?.key === key ? found : null) ?? besideOf(key));
  if (row !== null) before.current = row;
  return { row, was: before.current?.key === key ? before.current : null, found: setFound, last };
}

/** A row of another list beside what waits. */
function besideOf(key: string): Waiting | null {
  for (const { beside } of waitingKinds.value) {
    const row = beside?.rows().find((one) => one.key === key);
    if (row !== undefined) return row;
  }
  return null;
}

/** Opens the menu of a row; after each action the list goes on. */
function openRowMenu(row: Waiting, at: HTMLElement, decideIt: (action: Action) => Promise<boolean>): void {
  const of = nameOf(row);
  const put = (label: Wired, until: Date) => decideIt(snoozeUntil(row, label, until));
  const later: Action = {
    id: 'later',
    label: '◷ L4T3R',
    of,
    key: 'later',
    run: async () => openMenu(`Snooze ${of}`, snoozeChoices(of, put), at),
  };
  const { agent } = row;
  // Lines that leave the row as it is.
  const others = [
    ...(agent != null && containers.agents.peek().has(agent) ? [muteOrUnmute(agent)] : []),
    ...(canSnooze(row) ? [later] : []),
  ];
  openMenu(`What can be done with ${row.key}`, [...actionsOf(row), ...others], at, (action) =>
    others.includes(action) ? perform(action) : decideIt(action),
  );
}

/** Why the list is empty. */
function Empty({ filter, all, beside }: { filter: Filter; all: readonly Waiting[]; beside: string | undefined }) {
  const clear = () => setQuery({ urgency: null, kind: null, agent: null, q: null }, true);
  if (all.length > 0)
    return (
      <p class="empty">
        None of {all.length} matches this filter.{' '}
        <button type="button" class="ref" onClick={clear}>
          Show all
        </button>
      </p>
    );
  if (beside !== undefined) return <p class="empty">{beside}</p>;
  if (filter.show === 'snoozed') return <p class="empty">Nothing is snoozed.</p>;
  return <p class="empty">Nothing waits for you. Questions, approvals and whatever fails show here.</p>;
}

/** Several rows, decided at once. */
function Many({
  rows,
  decideOn,
  onClear,
}: {
  rows: readonly Waiting[];
  decideOn: (rows: readonly Waiting[]) => (action: Action) => Promise<boolean>;
  onClear: () => void;
}) {
  const of = `${rows.length} selected`;
  const { actions, texts } = togetherOf(rows, of);
  return (
    <article class="waiting-detail" aria-labelledby="many-title" data-many={rows.length}>
      <header class="detail-head">
        <h2 id="many-title">{of}</h2>
        <button type="button" class="plain" onClick={onClear}>
          Select none
        </button>
      </header>
      <ul class="many">
        {rows.slice(0, 12).map((row) => (
          <li key={row.key}>
            <WaitingRow row={row} held={isDeciding(row.key)} />
          </li>
        ))}
      </ul>
      {rows.length > 12 ? <p class="dim">and {rows.length - 12} more</p> : null}
      <Actions
        of={of}
        actions={actions}
        texts={texts}
        later={(label, until) => decideOn(rows)(snoozeAll(rows, of, label, until))}
        decide={decideOn(rows)}
        onLeave={focusList}
      />
    </article>
  );
}
