import type { Store } from '../../stream/picture';
import { applyPreferences, type Preferences } from '../../ui/preferences';

/** Keeps the page's preferences as the Hive has them. */
export const preferencesStore: Store = {
  snapshot: (snapshot) => applyPreferences((snapshot as { preferences?: Partial<Preferences> }).preferences ?? {}),
};
