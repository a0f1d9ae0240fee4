import { useEffect, useMemo, useState } from 'preact/hooks';
import { answerOf, api } from '../../api/client';
import { words } from '../../api/refusal';
import type { Turn } from '../../api/types';
import { Clock } from '../../ui/clock';
import { ReadFault } from '../../ui/fault';
import { live } from '../../ui/live';
import { Section } from '../../ui/section';
import { Columns, Table } from '../../ui/table';
import { counted, durationText, tokensText, usdText } from '../../ui/text/figures';
import { turns as ended, inputOf, mergedTurns, resultWords, toolsText } from '../stats';

const PAGE = 20;

/** The turns that an agent has taken, one a row. */
export function Turns({ name }: { name: string }) {
  const [fetched, setFetched] = useState<readonly Turn[] | null>(null);
  const [more, setMore] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [reading, setReading] = useState(false);
  const told = ended.all.value;
  const synced = live.sync.value.state === 'synced' ? (live.sync.value.resyncedAt ?? 0) : null;
  const read = async (before: number | null, stopped?: AbortSignal) => {
    setReading(true);
    setError(null);
    try {
      const { turns } = await answerOf(
        api.GET('/api/agents/{name}/turns', {
          params: { path: { name }, query: { limit: PAGE, ...(before === null ? {} : { before }) } },
          signal: stopped ?? null,
        }),
      );
      setFetched((shown) =>
        before === null || shown === null ? turns : [...shown, ...turns.filter(({ id }) => id < before)],
      );
      setMore(turns.length >= PAGE);
    } catch (e) {
      if (stopped?.aborted === true) return;
      setError(words(e));
    }
    setReading(false);
  };
  // Turns that ended while the page was disconnected bring no event.
  useEffect(() => {
    if (synced === null) return;
    const stop = new AbortController();
    void read(null, stop.signal);
    return () => stop.abort();
  }, [name, synced]);
  const turns = useMemo(
    () =>
      fetched === null
        ? null
        : mergedTurns(
            fetched,
            told.filter(({ agent }) => agent === name),
          ),
    [fetched, told, name],
  );
  const last = fetched?.at(-1)?.id;
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
        onRetry={() => void read(fetched === null ? null : (last ?? null))}
      />
      {turns === null ? (
        error === null ? (
          <p class="empty" role="status">
            <span class="spinner" aria-hidden="true" /> reading …
          </p>
        ) : null
      ) : turns.length === 0 ? (
        <p class="empty">No turn yet.</p>
      ) : (
        <Table
          label={`Turns of ${name}`}
          columns={<Columns words={['turn', 'result']} figures={['took', 'in', 'out', 'cost']} />}
        >
          <tbody>
            {turns.map((turn) => (
              <Row key={turn.id} turn={turn} />
            ))}
          </tbody>
        </Table>
      )}
      {more && last !== undefined ? (
        <button type="button" class="plain more" disabled={reading} onClick={() => void read(last)}>
          ↓ older turns
        </button>
      ) : null}
    </Section>
  );
}

function Row({ turn }: { turn: Turn }) {
  const { glyph, words: result, tone } = resultWords(turn.result);
  const calls = turn.tool_call_count ?? 0;
  const tools = toolsText(turn.tool_calls);
  return (
    <>
      <tr data-turn={turn.id}>
        <td>{turn.started_at == null ? `turn ${turn.id}` : <Clock at={turn.started_at} />}</td>
        <td>
          <span class={`badge ${tone}`}>
            <span aria-hidden="true">{glyph}</span> {result}
          </span>
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
          {turn.cost_usd != null ? (
            usdText(turn.cost_usd)
          ) : turn.reported_cost_usd != null ? (
            <span class="dim">({usdText(turn.reported_cost_usd)})</span>
          ) : (
            <span class="dim">?</span>
          )}
        </td>
      </tr>
      <tr class="under">
        <td colSpan={6}>
          <span class="dim">
            from {turn.wake_from}
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
          {turn.note == null || turn.note === '' ? null : <p class={tone === 'bad' ? 'bad' : 'note'}>{turn.note}</p>}
        </td>
      </tr>
    </>
  );
}
