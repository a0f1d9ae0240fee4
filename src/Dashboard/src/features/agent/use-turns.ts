import { useEffect, useMemo, useState } from 'preact/hooks';
import { answerOf, api } from '../../api/client';
import { words } from '../../api/refusal';
import type { Turn } from '../../api/types';
import { live } from '../../ui/live';
import { turns as ended, mergedTurns } from '../stats';

const PAGE = 20;

export interface Turns {
  /** Newest first; null until the first answer. */
  turns: readonly Turn[] | null;
  error: string | null;
  reading: boolean;
  /** Whether there are older ones. */
  more: boolean;
  /** Reads the older ones, or after a fault the same again. */
  older: () => void;
}

/** The turns that an agent has taken, as far back as they have been asked for. */
export function useTurns(name: string): Turns {
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
  return { turns, error, reading, more, older: () => void read(fetched?.at(-1)?.id ?? null) };
}
