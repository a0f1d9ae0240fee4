import { now } from './clock';
import { Label } from './label';
import { live } from './live';
import { age } from './text/time';
import { describe } from './truth';

/** The state of the connection to the host. <quiet>: a second drawing, which is not read out. */
export function ConnectionState({ quiet = false }: { quiet?: boolean }) {
  const truth = describe(live.connection.value, live.sync.value);
  // Read out when the state changes, not with every second of a countdown.
  return (
    <div class={`connection ${truth.tone}`} data-state={truth.state}>
      <span class="connection-chip" aria-hidden="true">
        <span class="dot">{truth.glyph}</span> <Label text={truth.label} />
      </span>
      <Detail />
      {quiet ? null : (
        <span class="hidden" role="status">
          {truth.plain}
        </span>
      )}
      {truth.canRetry ? (
        <button type="button" class="act" aria-label="Try to reach the host now" onClick={() => live.retry()}>
          <Label text="↻ N0W" />
        </button>
      ) : null}
    </div>
  );
}

function Detail() {
  const { since, nextTryAt, detail } = describe(live.connection.value, live.sync.value);
  const parts = [detail];
  if (since !== null) parts.push(`for ${age(since, now.value)}`);
  if (nextTryAt !== null) {
    const seconds = Math.ceil((nextTryAt - now.value) / 1000);
    parts.push(seconds > 0 ? `next try in ${seconds}s` : 'trying now');
  }
  const text = parts.filter((part) => part !== '').join(' · ');
  return text === '' ? null : (
    <span class="connection-detail" aria-hidden="true">
      {text}
    </span>
  );
}
