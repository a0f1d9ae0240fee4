import { useEffect, useState } from 'preact/hooks';
import { answerOf, api } from '../api/client';
import { words } from '../api/refusal';
import type { Waiting } from '../api/types';

/**
 * The outcome of something that waited, in the host's words; null until the host has answered. <onFound> is called
 * where it still exists, such as one that was put aside.
 */
export function useOutcome(key: string, onFound?: (row: Waiting) => void): string | null {
  const [outcome, setOutcome] = useState<string | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    answerOf(api.GET('/api/waiting/{key}', { params: { path: { key } }, signal: stop.signal })).then(
      ({ waiting }) => onFound?.(waiting),
      (e: unknown) => {
        if (!stop.signal.aborted) setOutcome(words(e));
      },
    );
    return () => stop.abort();
  }, [key]);
  return outcome;
}
