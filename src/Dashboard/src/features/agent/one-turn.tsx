import { useEffect, useMemo, useState } from 'preact/hooks';
import { answerOf, api } from '../../api/client';
import { words } from '../../api/refusal';
import type { Turn } from '../../api/types';
import { Clock } from '../../ui/clock';
import { Fault } from '../../ui/fault';
import { Link } from '../../ui/link';
import { Reading } from '../../ui/reading';
import { durationText, tokensText, usdText } from '../../ui/text/figures';
import { turns as ended, inputOf, toolsText } from '../stats';
import { entriesOf, turnIn } from './entries';
import { EntryLine } from './entry';
import type { AgentEvent, AgentEvents } from './events';
import { costOf, Result } from './turns';

/** How many pages of events are read back in search of a turn. */
const PAGES = 15;
const PAGE = 200;
/** How many of the latest turns are read in search of the next one. */
const LATEST = 100;

type Found = {
  /** The agent's turn before this one. */
  previous: number | null;
  /** The agent's latest turns, back to this one; null where it is further back. */
  since: readonly Turn[] | null;
  turn: Turn | null;
  events: readonly AgentEvent[];
  reached: boolean;
};

async function find(name: string, id: number, stopped: AbortSignal): Promise<Found> {
  const path = { name };
  const { turns } = await answerOf(
    api.GET('/api/agents/{name}/turns', {
      params: { path, query: { limit: 2, before: id + 1 } },
      signal: stopped,
    }),
  );
  const turn = turns.find((one) => one.id === id) ?? null;
  // Turns of all agents share one count.
  const previous = turns.find((one) => one.id < id)?.id ?? null;
  const latest = await answerOf(
    api.GET('/api/agents/{name}/turns', { params: { path, query: { limit: LATEST } }, signal: stopped }),
  );
  const since = latest.turns.length < LATEST || latest.turns.some((one) => one.id <= id) ? latest.turns : null;
  let events: readonly AgentEvent[] = [];
  for (let page = 0; page < PAGES; page++) {
    const before = events[0]?.id;
    const older: AgentEvents = await answerOf(
      api.GET('/api/agents/{name}/events', {
        params: { path, query: { limit: PAGE, ...(before === undefined ? {} : { before }) } },
        signal: stopped,
      }),
    );
    events = [...older.events, ...events];
    const own = turnIn(events, id);
    if (own !== null) return { previous, since, turn, events: own, reached: true };
    // Older events are of older turns.
    if (!older.more || older.events.some((event) => typeof event.turn === 'number' && event.turn < id)) break;
  }
  return { previous, since, turn, events: [], reached: false };
}

/** The first turn after one, among some; null for none. */
export function newerIn(turns: readonly Pick<Turn, 'id'>[], id: number): number | null {
  const ids = turns.flatMap((turn) => (turn.id > id ? [turn.id] : []));
  return ids.length === 0 ? null : Math.min(...ids);
}

/** One turn: its figures, and all that it did. */
export function OneTurn({ name, wanted }: { name: string; wanted: string }) {
  const id = /^[1-9]\d{0,14}$/.test(wanted) ? Number(wanted) : null;
  const [found, setFound] = useState<Found | null>(null);
  const [error, setError] = useState<string | null>(null);
  // The turn has ended since: it is read again with its figures.
  const told = ended.all.value.find((turn) => turn.agent === name && turn.id === id);
  useEffect(() => {
    if (id === null) return;
    const stop = new AbortController();
    find(name, id, stop.signal).then(setFound, (e: unknown) => {
      if (!stop.signal.aborted) setError(words(e));
    });
    return () => stop.abort();
  }, [name, id, told]);
  const entries = useMemo(() => entriesOf(found?.events ?? []), [found]);
  const previous = found?.previous ?? null;
  const next =
    id === null || found?.since == null
      ? null
      : newerIn([...found.since, ...ended.all.value.filter(({ agent }) => agent === name)], id);
  const all = (
    <p class="turn-ways">
      <Link to={`/agents/${name}/turns`}>‹ all turns</Link>
      {[previous, next].map((other) =>
        other == null ? null : (
          <Link key={other} to={`/agents/${name}/turns/${other}`}>
            turn {other}
          </Link>
        ),
      )}
    </p>
  );
  if (id === null)
    return (
      <div class="scrolls">
        {all}
        <p>
          <bdi>{wanted}</bdi> is not a turn; a turn's address ends with its number, such as /turns/12.
        </p>
      </div>
    );
  const turn = found?.turn ?? null;
  return (
    <div class="scrolls" data-one-turn={id}>
      {all}
      <h2 class="turn-title">Turn {id}</h2>
      <Fault error={error === null ? null : `The turn could not be read: ${error}`} />
      {found === null ? (
        error === null ? (
          <Reading />
        ) : null
      ) : turn === null && !found.reached ? (
        <p>
          {name} has no turn {id}.
        </p>
      ) : (
        <>
          {turn === null ? null : <Figures turn={turn} />}
          {found.reached ? (
            <ol class="turn-entries" aria-label={`What turn ${id} did`}>
              {entries.map(({ event, tool, beside }) => (
                <EntryLine key={event.id} event={event} tool={tool} beside={beside} />
              ))}
            </ol>
          ) : (
            <p class="dim">
              Its entries are gone, or further back than {PAGES * PAGE} entries; they are kept for 7 days.
            </p>
          )}
        </>
      )}
    </div>
  );
}

function Figures({ turn }: { turn: Turn }) {
  const tools = toolsText(turn.tool_calls);
  const rows: [string, preact.ComponentChild][] = [
    ['result', <Result key="result" result={turn.result} />],
    ['from', <bdi key="from">{turn.wake_from}</bdi>],
    ['began', turn.started_at == null ? '–' : <Clock key="began" at={turn.started_at} />],
    ['took', turn.duration_ms == null ? '–' : durationText(turn.duration_ms)],
    ['model', <bdi key="model">{turn.model ?? '–'}</bdi>],
    [
      'tokens',
      turn.input_tokens == null ? '–' : `${tokensText(inputOf(turn))} in, ${tokensText(turn.output_tokens ?? 0)} out`,
    ],
    [
      'cost',
      turn.reported_cost_usd == null || turn.cost_usd == null
        ? costOf(turn)
        : `${costOf(turn)} · its tool says ${usdText(turn.reported_cost_usd)}`,
    ],
    ['tools', tools === '' ? '–' : <bdi key="tools">{tools}</bdi>],
  ];
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
      {turn.note == null || turn.note === '' ? null : (
        <div class="wide">
          <dt>note</dt>
          <dd>
            <bdi>{turn.note}</bdi>
          </dd>
        </div>
      )}
    </dl>
  );
}
