import type { Signal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { words } from '../api/refusal';

/** Within this distance from the bottom, a log follows its newest row. */
const STICKY_PX = 48;
/** Within this distance from the top, the older page is fetched. */
const PAGING_PX = 200;

interface Log {
  /** The rows, and the id of the first one: both change when the log is loaded again. */
  rows: unknown;
  first: number | undefined;
  /** Whether the last row is the newest. */
  atHead: boolean;
  hasOlder: boolean;
  loaded: boolean;
  following: Signal<boolean>;
  unseen: Signal<number>;
  load: (older: boolean) => Promise<void>;
}

export interface Followed {
  log: RefObject<HTMLDivElement | null>;
  paging: boolean;
  error: string | null;
  load: (older: boolean) => Promise<void>;
  onScroll: () => void;
  toNewest: () => Promise<void>;
}

/**
 * A log that follows its newest row until the reader scrolls up, and loads older rows near the top without moving the
 * visible ones.
 */
export function useFollowed({
  rows,
  first,
  atHead,
  hasOlder,
  loaded,
  following,
  unseen,
  load: fetchPage,
}: Log): Followed {
  const log = useRef<HTMLDivElement>(null);
  /** The row at the top before an older page was put in front of it. */
  const anchor = useRef<{ id: number; height: number; top: number } | null>(null);
  const [paging, setPaging] = useState(false);
  const [error, setError] = useState<string | null>(null);

  useLayoutEffect(() => {
    const el = log.current;
    if (el === null) return;
    const held = anchor.current;
    if (held !== null && first !== held.id) {
      el.scrollTop = held.top + (el.scrollHeight - held.height);
      anchor.current = null;
    } else if (following.peek()) {
      el.scrollTop = el.scrollHeight;
    }
  }, [rows, first]);

  const load = async (older: boolean) => {
    if (paging) return;
    setPaging(true);
    setError(null);
    const el = log.current;
    if (older && el !== null && first !== undefined)
      anchor.current = { id: first, height: el.scrollHeight, top: el.scrollTop };
    try {
      await fetchPage(older);
    } catch (e) {
      anchor.current = null;
      setError(words(e));
    } finally {
      setPaging(false);
    }
  };
  const onScroll = () => {
    const el = log.current;
    if (el === null) return;
    const atBottom = el.scrollHeight - el.scrollTop - el.clientHeight <= STICKY_PX;
    following.value = atBottom && atHead;
    if (atBottom && atHead) unseen.value = 0;
    if (el.scrollTop < PAGING_PX && hasOlder && error === null && loaded) {
      if (anchor.current !== null) anchor.current.top = el.scrollTop;
      else void load(true);
    }
  };
  const toNewest = async () => {
    following.value = true;
    unseen.value = 0;
    if (!atHead) await load(false);
    const el = log.current;
    if (el !== null) el.scrollTop = el.scrollHeight;
  };
  return { log, paging, error, load, onScroll, toNewest };
}
