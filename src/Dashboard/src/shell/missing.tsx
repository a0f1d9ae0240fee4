import { Link } from '../ui/link';
import { places } from '../ui/registry';
import { nearAddress } from '../ui/text/near';

/** The page of an unknown address; it names the places with a similar address. */
export function Missing({ path }: { path: string }) {
  const known = places.value.flatMap(({ nav }) => nav?.to ?? []);
  const meant = nearAddress(path, known);
  return (
    <main class="place" id="place" tabIndex={-1} aria-labelledby="missing">
      <h1 id="missing">There is no place at this address</h1>
      <p>
        <bdi>
          <code>{path}</code>
        </bdi>{' '}
        is not a place of this dashboard.
      </p>
      {meant === null ? null : (
        <p>
          Did you mean <Link to={meant}>{meant}</Link>?
        </p>
      )}
      <p>
        <Link to="/">Go to the overview</Link>
      </p>
    </main>
  );
}
