import { computed } from '@preact/signals';
import { live } from './live';
import { describe } from './truth';

/** Without a stream or a snapshot the page shows an old state, and the operator's actions are refused. */
export const isBehind = computed(() => {
  const { state } = describe(live.connection.value, live.sync.value);
  return state !== 'live' && state !== 'resynced';
});

/** The hint on buttons while the page is behind. */
export const REFUSED = 'the host is away: this is refused until it is back';
