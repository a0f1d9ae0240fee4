import { computed, signal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { age, clock, until } from './text/time';

/** The instant ages are counted to, once a second. */
export const now = signal(Date.now());

setInterval(() => {
  if (document.visibilityState === 'visible') now.value = Date.now();
}, 1000);
document.addEventListener('visibilitychange', () => (now.value = Date.now()));

/**
 * A value that depends on the time: its component is drawn again when the value changes, not each second. <about>: the
 * rest of what it depends on.
 */
export function useTimed<T extends string | boolean | null>(of: (now: number) => T, about: string | number | null): T {
  return useMemo(() => computed(() => of(now.value)), [about]).value;
}

const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const title = (at: string) => full.format(new Date(at));

export function Age({ at }: { at: string }) {
  const text = useTimed((now) => age(at, now), at);
  return (
    <time dateTime={at} title={title(at)}>
      {text}
    </time>
  );
}

export function Clock({ at }: { at: string }) {
  return (
    <time dateTime={at} title={title(at)}>
      {clock(at, now.peek())}
    </time>
  );
}

/** Counts down to an instant, in the words given for before and after it. */
export function Until({
  at,
  ahead,
  past,
}: {
  at: string;
  ahead: (left: string) => string;
  past: (ago: string) => string;
}) {
  const left = useTimed((now) => until(at, now), at);
  const ago = useTimed((now) => age(at, now), at);
  return (
    <time dateTime={at} title={title(at)}>
      {left === null ? past(ago) : ahead(left)}
    </time>
  );
}
