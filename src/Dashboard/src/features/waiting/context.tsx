import { useEffect, useState } from 'preact/hooks';
import { answerOf, api } from '../../api/client';
import type { Turn, TurnFiles, Waiting } from '../../api/types';
import { Age } from '../../ui/clock';
import { Link } from '../../ui/link';
import { openPanel } from '../../ui/panel';
import { durationText } from '../../ui/text/figures';
import { containers, MutedMark, State } from '../containers';
import { turns as ended } from '../stats';
import { Mark } from './row';
import { waiting } from './store';

/** How many of the files that a turn changed are listed. */
const FILES = 3;
/** The last calls of a turn may arrive that long after its end. */
const LATE_MS = 2_000;
/** How many other things of the agent are listed. */
const OTHERS = 5;

/** The surroundings of a waiting thing: its agent's state and words, and the agent's other waiting things. */
export function Context({ row: { agent: name, key } }: { row: Waiting }) {
  const agent = name == null ? undefined : containers.agents.value.get(name);
  const others = name == null ? [] : waiting.all.value.filter((other) => other.agent === name && other.key !== key);
  if (agent === undefined && others.length === 0) return null;
  return (
    <section class="context" aria-label="Around it">
      {agent === undefined ? null : (
        <p class="context-line">
          <State agent={agent} transient={containers.transients.value.get(agent.name)} />
          <MutedMark name={agent.name} />
          {agent.active_model == null ? null : <span class="dim mono">{agent.active_model}</span>}
          {agent.status_text == null || agent.status_text === '' ? null : (
            <span class="context-words">
              <bdi>{agent.status_text}</bdi>
              {agent.status_set_at == null ? null : (
                <span class="dim">
                  {' '}
                  <Age at={agent.status_set_at} /> ago
                </span>
              )}
            </span>
          )}
        </p>
      )}
      {name == null || agent === undefined ? null : <LastTurn key={name} name={name} />}
      {others.length === 0 ? null : (
        <>
          <h3>Also from {name}</h3>
          <ul class="context-others">
            {others.slice(0, OTHERS).map((other) => (
              <li key={other.key}>
                <Mark row={other} />
                <Link to={`/waiting/${other.key}`}>
                  <bdi>{other.title}</bdi>
                </Link>
              </li>
            ))}
            {others.length > OTHERS ? (
              <li>
                <Link to={`/waiting?agent=${encodeURIComponent(name ?? '')}`}>
                  {others.length - OTHERS} more of <bdi>{name}</bdi>
                </Link>
              </li>
            ) : null}
          </ul>
        </>
      )}
    </section>
  );
}

/** The latest turn of an agent that has ended, with the way to its words and its files. */
function LastTurn({ name }: { name: string }) {
  const [read, setRead] = useState<Turn | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    const query = { params: { path: { name }, query: { limit: 1 } }, signal: stop.signal };
    // Without it the rest of the place is whole.
    answerOf(api.GET('/api/agents/{name}/turns', query)).then(
      ({ turns }) => setRead(turns[0] ?? null),
      () => {},
    );
    return () => stop.abort();
  }, [name]);
  const turn = ended.all.value.find(({ agent }) => agent === name) ?? read;
  if (turn === null) return null;
  const { id, result, duration_ms, note } = turn;
  return (
    <>
      <p class="context-line">
        <span>
          Last turn: <Link to={`/agents/${name}/turns/${id}`}>turn {id}</Link> {result}
          {duration_ms == null ? null : ` after ${durationText(duration_ms)}`}
          {note == null || note === '' ? null : (
            <>
              {' · '}
              <bdi>{note}</bdi>
            </>
          )}
        </span>
        <Link to={`/agents/${name}/files`}>Files</Link>
      </p>
      <Changed key={id} turn={turn} />
    </>
  );
}

/** The files that a turn changed, each of which opens in the side panel where it can be read. */
function Changed({ turn: { id, agent, ended_at } }: { turn: Turn }) {
  const [read, setRead] = useState<TurnFiles | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    const asked = { params: { path: { name: agent, turn: id } }, signal: stop.signal };
    const ask = () =>
      // Without it the rest of the place is whole.
      void answerOf(api.GET('/api/agents/{name}/turns/{turn}/files', asked)).then(setRead, () => {});
    ask();
    const isRecent = ended_at != null && Date.now() - Date.parse(ended_at) < LATE_MS;
    const again = isRecent ? setTimeout(ask, LATE_MS) : undefined;
    return () => {
      stop.abort();
      clearTimeout(again);
    };
  }, [agent, id]);
  if (read === null || read.files.length === 0) return null;
  const own = `/agents/${agent}/state/`;
  return (
    <p class="context-line" data-changed={id}>
      <span>It changed</span>
      {read.files.slice(0, FILES).map((path) => {
        const shown = path.startsWith(own) ? path.slice(own.length) : path;
        return read.file_refs.includes(path) ? (
          <button key={path} type="button" class="ref mono" title={path} onClick={() => openPanel(`file:${path}`)}>
            <bdi>{shown}</bdi> <span aria-hidden="true">▸</span>
          </button>
        ) : (
          <bdi key={path} class="mono dim" title={path}>
            {shown}
          </bdi>
        );
      })}
      {read.total > FILES ? <Link to={`/agents/${agent}/turns/${id}`}>and {read.total - FILES} more</Link> : null}
    </p>
  );
}
