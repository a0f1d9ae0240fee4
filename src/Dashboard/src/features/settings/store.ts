import type { Store } from '../../stream/picture';
import { applyPreferences } from '../../ui/preferences';

/** Keeps the page's preferences as the Hive has them. */
export const preferencesStore: Store = {
  snapshot: ({ preferences }) => applyPreferences(preferences),
  events: { preferences_changed: ({ preferences }) => applyPreferences(preferences) },
};
