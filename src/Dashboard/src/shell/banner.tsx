import { endSession } from '../api/client';
import { Act } from '../ui/act';
import { address } from '../ui/address';
import { ConnectionState } from '../ui/connection';
import { inOrder } from '../ui/feature';
import { Leet } from '../ui/leet';
import { Link } from '../ui/link';
import { live } from '../ui/live';
import './banner.css';

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
        {inOrder((feature) => feature.places?.flatMap(({ nav }) => nav ?? [])).map(({ to, label, plain }) => (
          <Link key={to} to={to} label={plain} here={address.value === to}>
            <Leet text={label} />
          </Link>
        ))}
      </nav>
      {live.picture.loaded.value ? (
        <span class="host">
          {live.picture.host.value} <span class="version">v{live.picture.hiveVersion.value}</span>
        </span>
      ) : null}
      <ConnectionState />
      {/* Never fails here: the login page shows the host's answer. */}
      <Act label="S1GN 0UT" plain="Sign out" run={endSession} onError={() => {}} />
    </header>
  );
}
