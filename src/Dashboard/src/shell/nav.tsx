import { address } from '../ui/address';
import { inOrder } from '../ui/feature';
import { keyOf } from '../ui/keys';
import { Label } from '../ui/label';
import { Link } from '../ui/link';
import { type Place, places } from '../ui/registry';
import './nav.css';

type Listed = Place & { nav: NonNullable<Place['nav']> };

/** The places that the navigation lists, in order. */
export const inNav = (): Listed[] =>
  places.value
    .filter((place): place is Listed => place.nav !== undefined)
    .toSorted((a, b) => a.nav.order - b.nav.order);

const isHere = (to: string): boolean =>
  to === '/' ? address.value === '/' : address.value === to || address.value.startsWith(`${to}/`);

function Line({ place }: { place: Listed }) {
  const { to, label, key, glyph, count } = place.nav;
  const hint = keyOf(key);
  return (
    <li class={place.nav.bar === true ? 'in-bar' : ''}>
      <Link to={to} class="nav-line" here={isHere(to)} {...(hint === '' ? {} : { hint })}>
        <span class="nav-glyph" aria-hidden="true">
          {glyph}
        </span>
        <span class="nav-name">
          <Label text={label} />
        </span>
        <span class="nav-count">{count?.()}</span>
      </Link>
    </li>
  );
}

/** The way to every place, with what waits there. */
export function Navigation() {
  const lines = inNav();
  return (
    <nav class="nav" aria-label="Places">
      <ul>
        {lines.map((place) => (
          <Line key={place.address} place={place} />
        ))}
        <li class="in-bar only-bar">
          <button type="button" class="nav-line" aria-label="More places" popovertarget="nav-more" title="More places">
            <span class="nav-glyph" aria-hidden="true">
              ⋯
            </span>
            <span class="nav-name" aria-hidden="true">
              More
            </span>
          </button>
        </li>
      </ul>
      <div id="nav-more" class="nav-more" popover="auto">
        <ul>
          {lines
            .filter(({ nav }) => nav.bar !== true)
            .map((place) => (
              <Line key={place.address} place={place} />
            ))}
        </ul>
      </div>
      <div class="nav-rest">
        {inOrder((feature) => feature.besideNav).map(({ view: View }, i) => (
          <View key={i} />
        ))}
      </div>
    </nav>
  );
}
