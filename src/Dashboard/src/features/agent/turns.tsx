import type { Turn } from '../../api/types';
import { Clock } from '../../ui/clock';
import { ReadFault } from '../../ui/fault';
import { Link } from '../../ui/link';
import { Reading } from '../../ui/reading';
import { Section } from '../../ui/section';
import { Columns, Table } from '../../ui/table';
import { counted, durationText, tokensText, usdText } from '../../ui/text/figures';
import { inputOf, resultWords, toolsText } from '../stats';
import { useTurns } from './use-turns';

/** The turns that an agent has taken, one a row. */
export function Turns({ name }: { name: string }) {
  const { turns, error, reading, more, older } = useTurns(name);
  return (
    <Section
      feature="agent"
      id="agent-turns"
      title="TURNS"
      plain={`Turns of ${name}`}
      aside={turns !== null && turns.length > 0 ? <span class="count">newest first</span> : null}
    >
      <ReadFault
        error={error === null ? null : `The turns could not be read: ${error}`}
        plain="Read the turns again"
        reading={reading}
        onRetry={older}
      />
      {turns === null ? (
        error === null ? (
          <Reading tone="empty" />
        ) : null
      ) : turns.length === 0 ? (
        <p class="empty">No turn yet.</p>
      ) : (
        <Table
          label={`Each turn of ${name}`}
          columns={<Columns words={['turn', 'began', 'result']} figures={['took', 'in', 'out', 'cost']} />}
        >
          <tbody>
            {turns.map((turn) => (
              <Row key={turn.id} turn={turn} />
            ))}
          </tbody>
        </Table>
      )}
      {more ? (
        <button type="button" class="plain more" disabled={reading} onClick={older}>
          ↓ older turns
        </button>
      ) : null}
    </Section>
  );
}

/** The cost of a turn: by the price table, else as its tool says. */
export const costOf = (turn: Turn): string =>
  turn.cost_usd != null
    ? usdText(turn.cost_usd)
    : turn.reported_cost_usd != null
      ? `(${usdText(turn.reported_cost_usd)})`
      : '?';

/** How a turn ended. */
export function Result({ result }: { result: string | null | undefined }) {
  const { glyph, words, tone } = resultWords(result);
  return (
    <span class={`result tone-${tone === 'orange' ? 'warn' : tone}`}>
      <span aria-hidden="true">{glyph}</span> {words}
    </span>
  );
}

function Row({ turn }: { turn: Turn }) {
  const { tone } = resultWords(turn.result);
  const calls = turn.tool_call_count ?? 0;
  const tools = toolsText(turn.tool_calls);
  return (
    <>
      <tr data-turn={turn.id}>
        <td>
          <Link to={`/agents/${turn.agent}/turns/${turn.id}`}>{turn.id}</Link>
        </td>
        <td>{turn.started_at == null ? '–' : <Clock at={turn.started_at} />}</td>
        <td>
          <Result result={turn.result} />
        </td>
        <td class="n">{turn.duration_ms == null ? '–' : durationText(turn.duration_ms)}</td>
        <td
          class="n"
          title={
            `${turn.input_tokens ?? 0} fresh, ${turn.cache_read_input_tokens ?? 0} from the cache, ` +
            `${turn.cache_creation_input_tokens ?? 0} into the cache`
          }
        >
          {turn.input_tokens == null ? '–' : tokensText(inputOf(turn))}
        </td>
        <td class="n">{turn.output_tokens == null ? '–' : tokensText(turn.output_tokens)}</td>
        <td class="n" title={turn.reported_cost_usd == null ? '' : `its tool says ${usdText(turn.reported_cost_usd)}`}>
          {costOf(turn)}
        </td>
      </tr>
      <tr class="under">
        <td colSpan={7}>
          <span class="dim">
            from <bdi>{turn.wake_from}</bdi>
            {turn.model == null ? null : (
              <>
                {' · '}
                <bdi>{turn.model}</bdi>
              </>
            )}
            {calls === 0 ? '' : ` · ${counted(calls, 'tool call')}`}
            {calls === 0 || tools === '' ? null : (
              <>
                : <bdi>{tools}</bdi>
              </>
            )}
          </span>
          {turn.note == null || turn.note === '' ? null : (
            <p class={tone === 'bad' ? 'bad' : 'dim'}>
              <bdi>{turn.note}</bdi>
            </p>
          )}
        </td>
      </tr>
    </>
  );
}
