import { signal } from '@preact/signals';
import { age, clock, until } from './text/time';

/** The instant ages are counted to, once a second. */
export const now = signal(Date.now());

setInterval(() => {
  if (document.visibilityState === 'visible') now.value = Date.now();
}, 1000);
document.addEventListener('visibilitychange', () => (now.value = Date.now()));

const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const title = (at: string) => full.format(new Date(at));

export function Age({ at }: { at: string }) {
  return (
    <time dateTime={at} title={title(at)}>
      {age(at, now.value)}
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
  const left = until(at, now.value);
  return (
    <time dateTime={at} title={title(at)}>
      {left === null ? past(age(at, now.value)) : ahead(left)}
    </time>
  );
}
