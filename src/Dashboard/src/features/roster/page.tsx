import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { api } from '../../api/client';
import type { Agent } from '../../api/types';
import { perform } from '../../ui/action';
import { ActionButton } from '../../ui/action-button';
import { GROUPS } from '../../ui/activity';
import { query } from '../../ui/address';
import { copyAddress } from '../../ui/copy';
import { keyOf, press, useKey } from '../../ui/keys';
import { Label } from '../../ui/label';
import { go, selectedThen, setQuery } from '../../ui/link';
import { Main } from '../../ui/main';
import { togglePanel } from '../../ui/panel';
import { Rows } from '../../ui/rows';
import { useSelection } from '../../ui/selected';
import { tell } from '../../ui/told';
import { containers, pauseOrResume, wantsUpdate } from '../containers';
import { writeTo } from '../messages';
import { useStatistics } from '../stats';
import { TombstonesSection, tombstones } from '../tombstones';
import { manyActions } from './many';
import {
  chosenNames,
  counted,
  DOWN,
  GROUPINGS,
  heldOrder,
  itemsOf,
  type Line,
  linesOf,
  nameOfItem,
  orderText,
  SORTS,
  type Sort,
  selectedOf,
  shownLines,
  type Wanted,
  wantedOf,
} from './roster';
import { GroupHead, openLineMenu, Row } from './row';
import { Stillness } from './still';

const LIST = 'roster';

/** All agents: one line each. */
export function AgentsPage() {
  const { stats } = useStatistics('24h', null);
  const box = useRef<HTMLInputElement>(null);
  const [at, setAt] = useState(() => selectedThen(LIST));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const asked = query.value;
  const wanted = useMemo(() => wantedOf(asked), [asked]);
  const showsKept = asked.get('state') === 'kept';
  const [agents, transients, sums] = [containers.agents.value, containers.transients.value, stats.value];
  const lines = useMemo(() => linesOf(agents, transients, sums), [agents, transients, sums]);
  const sorted = useMemo(() => shownLines(lines, wanted), [lines, wanted]);
  /** The order of the rows while the pointer moves among them: nothing moves away under it. */
  const drawn = useRef<{ wanted: Wanted; names: readonly string[] } | null>(null);
  const [pointer] = useState(() => new Stillness());
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const held = pointer.moves.value && drawn.current?.wanted === wanted ? drawn.current.names : null;
  const shown = held === null ? sorted : heldOrder(sorted, held);
  drawn.current = { wanted, names: shown.map(({ name }) => name) };
  const items = itemsOf(shown, wanted.by, folded);
  const fold = (key: string) =>
    setFolded(folded.has(key) ? new Set([...folded].filter((other) => other !== key)) : new Set([...folded, key]));
  const filter = `${wanted.text}/${wanted.group ?? ''}`;
  const filtered = useRef(filter);
  useEffect(() => {
    if (filtered.current !== filter && !showsKept) tell(`${shown.length} of ${lines.length} agents`);
    filtered.current = filter;
  }, [filter]);
  const current = at === null ? undefined : agents.get(at);
  const some = selectedOf(shown, chosen);

  const on = (act: (agent: Agent) => unknown) => () => {
    if (current === undefined || showsKept) return false;
    act(current);
    return true;
  };
  useSelection(() => {
    if (showsKept) return null;
    if (some.length > 0) return { name: `${some.length} agents`, actions: manyActions(some) };
    return current === undefined ? null : { name: current.name, actions: [], agent: current };
  });
  useKey('filter', () => box.current?.focus());
  useKey(
    'pause',
    on((agent) => void perform(pauseOrResume(agent))),
  );
  useKey(
    'log',
    on(({ name }) => togglePanel(`log:${name}`)),
  );
  useKey(
    'turns',
    on(({ name }) => go(`/agents/${name}/turns`)),
  );
  useKey(
    'write',
    on(({ name }) => writeTo(name)),
  );
  useKey(
    'copy',
    on(({ name }) => void copyAddress(`/agents/${name}`)),
  );
  return (
    <Main feature="roster" title="SW4RM" fills parts={{ [LIST]: 'the list' }} aside={<Tools lines={lines} />}>
      <div class="tools">
        <input
          ref={box}
          type="search"
          class="field filter"
          aria-label="Filter agents"
          placeholder={`filter   ${keyOf('filter')}`}
          value={wanted.text}
          spellcheck={false}
          onInput={(e) => setQuery({ q: e.currentTarget.value })}
          onKeyDown={(e) => {
            if (e.key !== 'Enter' && e.key !== 'ArrowDown') return;
            e.preventDefault();
            document.getElementById(LIST)?.focus();
          }}
        />
        <Chips lines={lines} />
        <span class="orders">
          <label class="sorting">
            <span class="dim">group</span>
            <select
              class="field"
              value={wanted.by}
              onChange={(e) => setQuery({ group: e.currentTarget.value === 'none' ? null : e.currentTarget.value })}
            >
              {GROUPINGS.map((by) => (
                <option key={by}>{by}</option>
              ))}
            </select>
          </label>
          <label class="sorting">
            <span class="dim">sort</span>
            <select
              class="field"
              value={orderText(wanted.sort, wanted.reversed) ?? 'state'}
              onChange={(e) => setQuery({ sort: e.currentTarget.value === 'state' ? null : e.currentTarget.value })}
            >
              {SORTS.map((sort) => (
                <option key={sort}>{sort}</option>
              ))}
              {SORTS.map((sort) => (
                <option key={sort} value={`-${sort}`}>
                  {sort}, reversed
                </option>
              ))}
            </select>
          </label>
        </span>
      </div>
      {some.length === 0 ? null : (
        <div class="many" role="group" aria-label="The selected agents">
          <span>{some.length} selected</span>
          {manyActions(some).map((action) => (
            <ActionButton key={action.id} action={action} />
          ))}
          <button type="button" class="plain" onClick={() => setChosen(new Set())}>
            none
          </button>
        </div>
      )}
      {showsKept ? (
        <div class="kept">
          <TombstonesSection />
        </div>
      ) : (
        <div class="agents-frame" onPointerMove={() => pointer.moved()} onPointerLeave={() => pointer.left()}>
          <Rows
            id={LIST}
            class="agents"
            label="Agents"
            rows={items}
            keyOf={({ key }) => key}
            nameOf={nameOfItem}
            current={at}
            onCurrent={(item) => setAt(item?.key ?? null)}
            chosen={chosen}
            onChosen={(keys) => setChosen(chosenNames(keys, items, chosen))}
            onOpen={(item) => ('line' in item ? go(`/agents/${item.key}`) : fold(item.key))}
            onActions={(item, row) => 'line' in item && openLineMenu(item.line, row)}
            head={<Heads wanted={wanted} />}
            view={(item, { current }) =>
              'line' in item ? <Row line={item.line} current={current} /> : <GroupHead item={item} />
            }
            empty={
              <p class="empty">
                {lines.length === 0 ? 'No agents yet.' : 'No agent fits the filter.'}{' '}
                {lines.length === 0 ? null : (
                  <button type="button" class="ref" onClick={() => setQuery({ q: null, state: null })}>
                    Show all {lines.length}
                  </button>
                )}
              </p>
            }
          />
        </div>
      )}
    </Main>
  );
}

function Tools({ lines }: { lines: readonly Line[] }) {
  const stale = lines.flatMap(({ agent }) => (agent !== null && wantsUpdate(agent) ? [agent.name] : []));
  return (
    <span class="head-tools">
      {stale.length === 0 ? null : (
        <ActionButton
          action={{
            id: 'update-all',
            label: '↻ UPD4TE 4LL',
            of: `that need it: ${stale.join(', ')}`,
            hold: true,
            run: () => api.POST('/api/agents/update-all'),
          }}
        />
      )}
      <button type="button" class="act info" title={keyOf('new-agent')} onClick={() => press('new-agent')}>
        <Label text="⊕ N3W 4G3NT" />
      </button>
    </span>
  );
}

/** The groups of states with their counts. */
function Chips({ lines }: { lines: readonly Line[] }) {
  const chosen = query.value.get('state');
  const counts = counted(lines);
  const kept = tombstones.all.value.length;
  const chip = (state: string | null, name: string, count: number) => (
    <button
      key={name}
      type="button"
      class={`chip ${chosen === state ? 'chosen' : ''}`}
      aria-pressed={chosen === state}
      onClick={() => setQuery({ state: chosen === state ? null : state }, true)}
    >
      {name} <span class="n">{count}</span>
    </button>
  );
  return (
    <div class="chips" role="group" aria-label="Agents by state">
      {chip(null, 'all', lines.length)}
      {GROUPS.filter((group) => counts[group] > 0 || chosen === group).map((group) =>
        chip(group, group, counts[group]),
      )}
      {kept > 0 || chosen === 'kept' ? chip('kept', 'kept state', kept) : null}
    </div>
  );
}

const HEADS: readonly (readonly [name: string, title: string, sort: Sort | null, figure?: boolean])[] = [
  ['who', 'agent', 'name'],
  ['in-state', 'state', 'state'],
  ['doing', 'doing', null],
  ['model', 'model', 'model'],
  ['context', 'ctx', 'context', true],
  ['cost', '24 h', 'cost', true],
  ['unread', 'unread', 'unread', true],
];

function Heads({ wanted: { sort: chosen, reversed } }: { wanted: Wanted }) {
  const isDown = DOWN.has(chosen) !== reversed;
  return (
    <div class="cells heads">
      {HEADS.map(([name, title, sort, figure]) => (
        // biome-ignore lint/a11y/useFocusableInteractive: the button in it is focusable
        <span
          key={name}
          role="columnheader"
          class={`cell ${name} ${figure === true ? 'n' : ''}`}
          {...(sort === chosen ? { 'aria-sort': isDown ? 'descending' : 'ascending' } : {})}
        >
          {sort === null ? (
            title
          ) : (
            <button
              type="button"
              class="plain sort"
              title={`Sort by ${sort}`}
              onClick={() => setQuery({ sort: orderText(sort, sort === chosen && !reversed) })}
            >
              {title}
              {sort === chosen ? <span aria-hidden="true"> {isDown ? '▾' : '▴'}</span> : null}
            </button>
          )}
        </span>
      ))}
      {/* biome-ignore lint/a11y/useFocusableInteractive: the head of a column without an action */}
      <span role="columnheader" class="cell rest">
        <span class="hidden">actions</span>
      </span>
    </div>
  );
}
