import { api } from '../api/client';
import { words } from '../api/refusal';
import type { Preferences } from '../api/types';
import { refusal } from './action';
import { applyPreferences, preferences } from './preferences';

/** Changes what the operator has chosen, at once on this page and then in the Hive; takes it back where it refuses. */
export async function changePreferences(changed: Partial<Preferences>): Promise<boolean> {
  const before = preferences.peek();
  applyPreferences(changed);
  try {
    await api.POST('/api/preferences', { body: changed });
    return true;
  } catch (e) {
    preferences.value = before;
    refusal.value = words(e);
    return false;
  }
}
