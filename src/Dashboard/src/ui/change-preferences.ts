import { api } from '../api/client';
import { words } from '../api/refusal';
import type { Preferences } from '../api/types';
import { refusal } from './action';
import { applyPreferences, preferences } from './preferences';

type Entries = 'keys' | 'notify_kinds';

/** A change of some preferences. Of keys and of kinds the other entries stay; null brings the usual one back. */
export type PreferenceChange = Omit<Partial<Preferences>, Entries> & {
  [name in Entries]?: Readonly<Record<string, Preferences[name][string] | null>>;
};

/** Changes what the operator has chosen, at once on this page and then in the Hive; takes it back where it refuses. */
export async function changePreferences(changed: PreferenceChange): Promise<boolean> {
  try {
    await setPreferences(changed);
    return true;
  } catch (e) {
    refusal.value = words(e);
    return false;
  }
}

/** The same for an action, which shows a refusal itself. */
export async function setPreferences(changed: PreferenceChange): Promise<void> {
  const before = preferences.peek();
  const { keys, notify_kinds, ...others } = changed;
  applyPreferences({
    ...others,
    keys: merged(before.keys, keys),
    notify_kinds: merged(before.notify_kinds, notify_kinds),
  });
  try {
    // The document does not say that an entry may be null.
    await api.POST('/api/preferences', { body: changed as Partial<Preferences> });
  } catch (e) {
    preferences.value = before;
    throw e;
  }
}

/** Some entries with others in their place, and without those that are null. */
function merged<T extends string>(
  before: Readonly<Record<string, T>>,
  changed: Readonly<Record<string, T | null>> = {},
): Record<string, T> {
  const entries = Object.entries({ ...before, ...changed });
  return Object.fromEntries(entries.filter((entry): entry is [string, T] => entry[1] !== null));
}
