import type { Turn } from '../../api/types';
import { Age } from '../../ui/clock';
import { Fault } from '../../ui/fault';
import { durationText } from '../../ui/text/figures';
import { containers } from '../containers';
import { resultWords } from '../stats';
import { costOf } from './turns';
import { useTurns } from './use-turns';

/** The latest turns in short, to jump by; the one that runs first. */
export function TurnList({ name, onJump }: { name: string; onJump: (turn: number) => void }) {
  const { turns, error, more, reading, older } = useTurns(name);
  const running = containers.agents.value.get(name)?.activity?.turn ?? null;
  const runs = running !== null && turns?.some(({ id, result }) => id === running && result != null) !== true;
  return (
    <>
      <Fault error={error === null ? null : `The turns could not be read: ${error}`} />
      <ol class="turn-list">
        {runs && running !== null && turns?.some(({ id }) => id === running) !== true ? (
          <Line id={running} turn={null} onJump={onJump} />
        ) : null}
        {turns?.map((turn) => (
          <Line key={turn.id} id={turn.id} turn={turn} onJump={onJump} />
        ))}
      </ol>
      {turns?.length === 0 && !runs ? <p class="dim">No turn yet.</p> : null}
      {more ? (
        <button type="button" class="plain more" disabled={reading} onClick={older}>
          ↓ older turns
        </button>
      ) : null}
    </>
  );
}

function Line({ id, turn, onJump }: { id: number; turn: Turn | null; onJump: (turn: number) => void }) {
  const { glyph, words, tone } = resultWords(turn?.result);
  return (
    <li>
      <button type="button" class="turn-line" data-jump={id} onClick={() => onJump(id)}>
        <span class={`tone-${tone === 'orange' ? 'warn' : tone}`}>
          <span aria-hidden="true">{glyph}</span>
          <span class="hidden">turn</span> <span class="n">{id}</span>
          <span class="hidden"> {words}</span>
        </span>
        <bdi class="turn-from dim">{turn?.wake_from ?? 'running'}</bdi>
        <span class="n dim">{turn?.duration_ms == null ? '' : durationText(turn.duration_ms)}</span>
        <span class="n dim">{turn?.cost_usd == null ? '' : costOf(turn)}</span>
        <span class="n dim">{turn?.ended_at == null ? '' : <Age at={turn.ended_at} />}</span>
      </button>
    </li>
  );
}
