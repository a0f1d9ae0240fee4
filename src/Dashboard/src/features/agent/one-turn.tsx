import { useEffect, useMemo, useState } from 'preact/hooks';
import { answerOf, api } from '../../api/client';
import { words } from '../../api/refusal';
import type { Turn } from '../../api/types';
import { Clock } from '../../ui/clock';
import { Fault } from '../../ui/fault';
import { Link } from '../../ui/link';
import { durationText, tokensText, usdText } from '../../ui/text/figures';
import { turns as ended, inputOf, toolsText } from '../stats';
import { entriesOf, turnIn } from './entries';
import { EntryLine } from './entry';
import type { AgentEvent, AgentEvents } from './events';
import { costOf, Result } from './turns';

/** How many pages of events are read back in search of a turn. */
const PAGES = 15;
const PAGE = 200;

type Found = { turn: Turn | null; events: readonly AgentEvent[]; reached: boolean };

async function find(name: string, id: number, stopped: AbortSignal): Promise<Found> {
  const path = { name };
  const { turns } = await answerOf(
    api.GET('/api/agents/{name}/turns', {
      params: { path, query: { limit: 1, before: id + 1 } },
      signal: stopped,
    }),
  );
  const turn = turns.find((one) => one.id === id) ?? null;
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
    if (own !== null) return { turn, events: own, reached: true };
    // Older events are of older turns.
    if (!older.more || older.events.some((event) => typeof event.turn === 'number' && event.turn < id)) break;
  }
  return { turn, events: [], reached: false };
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
  const all = (
    <p class="turn-ways">
      <Link to={`/agents/${name}/turns`}>‹ all turns</Link>
      {id === null || id === 1 ? null : <Link to={`/agents/${name}/turns/${id - 1}`}>turn {id - 1}</Link>}
      {id === null || found?.turn == null ? null : <Link to={`/agents/${name}/turns/${id + 1}`}>turn {id + 1}</Link>}
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
          <p class="dim" role="status">
            <span class="spinner" aria-hidden="true" /> reading …
          </p>
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
