import { endSession } from '../../api/client';
import { live, swarm } from '../../live';
import { describe } from '../../model/truth';
import { age } from '../../text/time';
import { Act } from '../../ui/act';
import { now } from '../../ui/clock';
import { Leet } from '../../ui/leet';
import { Link, view } from '../../ui/link';

export function Banner() {
  return (
    <header class="banner">
      <h1 aria-label="Hive">
        <span class="shade" aria-hidden="true">
          ░▒▓█▓▒░
        </span>{' '}
        <span class="name">HIVE</span>{' '}
        <span class="shade" aria-hidden="true">
          ░▒▓█▓▒░
        </span>
      </h1>
      <nav class="views" aria-label="Views">
        <Link to="/" label="Swarm" here={view.value.kind === 'swarm'}>
          <Leet text="SW4RM" />
        </Link>
        <Link to="/stats" label="Statistics" here={view.value.kind === 'stats'}>
          <Leet text="ST4TS" />
        </Link>
      </nav>
      {swarm.loaded.value ? (
        <span class="host">
          {swarm.host.value} <span class="version">v{swarm.hiveVersion.value}</span>
        </span>
      ) : null}
      <ConnectionState />
      {/* Never refused: what the host had to say of it stands on the login page. */}
      <Act label="S1GN 0UT" plain="Sign out" run={endSession} onError={() => {}} />
    </header>
  );
}

function ConnectionState() {
  const truth = describe(live.connection.value, live.sync.value);
  // Read out when it turns into something else, not with every second of a countdown.
  return (
    <div class={`connection ${truth.tone}`} data-state={truth.state}>
      <span class="connection-chip" aria-hidden="true">
        <span class="dot">{truth.glyph}</span> {truth.label}
      </span>
      <Detail />
      <span class="hidden" role="status">
        {truth.plain}
      </span>
      {truth.canRetry ? (
        <button type="button" class="act" aria-label="Try to reach the host now" onClick={() => live.retry()}>
          <Leet text="↻ N0W" />
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
