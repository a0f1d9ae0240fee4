import { endSession } from '../../api/client';
import { swarm } from '../../live';
import { Act } from '../../ui/act';
import { ConnectionState } from '../../ui/connection';
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
