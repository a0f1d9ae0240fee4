import { signal } from '@preact/signals';
import { age, clock } from '../text/time';

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
