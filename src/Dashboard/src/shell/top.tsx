import { changePreferences } from '../ui/change-preferences';
import { ConnectionState } from '../ui/connection';
import { inOrder } from '../ui/feature';
import { keyOf, press } from '../ui/keys';
import { Link } from '../ui/link';
import { preferences } from '../ui/preferences';
import './top.css';

const isDark = (): boolean => {
  const { theme } = preferences.value;
  return theme === 'system' ? matchMedia('(prefers-color-scheme: dark)').matches : theme === 'dark';
};

/** The bar over every place: the search, the figures of the swarm, the state of the connection. */
export function Top() {
  const dark = isDark();
  return (
    <header class="top">
      <Link to="/" class="brand" label="Hive: overview">
        <span class="shade" aria-hidden="true">
          ░▒▓
        </span>{' '}
        HIVE
      </Link>
      <button type="button" class="search" aria-haspopup="dialog" onClick={() => press('palette')}>
        <span aria-hidden="true">⌕</span> <span class="search-words">search or do anything</span>
        <span class="keycap" aria-hidden="true">
          {keyOf('palette')}
        </span>
      </button>
      <div class="top-figures">
        {inOrder((feature) => feature.topBar).map(({ view: View }, i) => (
          <View key={i} />
        ))}
      </div>
      <ConnectionState />
      <button
        type="button"
        class="plain"
        aria-label={dark ? 'Use the light theme' : 'Use the dark theme'}
        title={dark ? 'Light theme' : 'Dark theme'}
        onClick={() => void changePreferences({ theme: dark ? 'light' : 'dark' })}
      >
        <span aria-hidden="true">{dark ? '☀' : '☾'}</span>
      </button>
      <button
        type="button"
        class="plain help"
        aria-label="Show the map of keys"
        title={`Keys (${keyOf('keys')})`}
        onClick={() => press('keys')}
      >
        ?
      </button>
    </header>
  );
}
