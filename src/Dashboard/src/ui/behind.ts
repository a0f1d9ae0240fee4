import { computed } from '@preact/signals';
import { live } from './live';
import { describe } from './truth';

/** The page shows what was: it has no stream, or no snapshot yet. What the operator does is refused until it has. */
export const isBehind = computed(() => {
  const { state } = describe(live.connection.value, live.sync.value);
  return state !== 'live' && state !== 'resynced';
});

/** What a button says while the page is behind. */
export const REFUSED = 'the host is away: this is refused until it is back';
