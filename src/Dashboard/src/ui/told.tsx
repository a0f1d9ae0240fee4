import { signal } from '@preact/signals';

const said = signal('');
let saidAt = 0;
let later: ReturnType<typeof setTimeout> | null = null;

/** At most one sentence in this time is read out. */
const APART_MS = 10_000;

/** Has a screen reader say a sentence when it is free; of several within ten seconds the last one. */
export function tell(text: string): void {
  if (later !== null) clearTimeout(later);
  const wait = Math.max(0, saidAt + APART_MS - Date.now());
  const say = () => {
    later = null;
    saidAt = Date.now();
    said.value = text;
  };
  if (wait === 0) say();
  else later = setTimeout(say, wait);
}

/** The words that are read out, politely. */
export function Told() {
  return (
    <div class="hidden" role="status">
      {said.value}
    </div>
  );
}
