import { savePreferences } from '../api/preferences';
import { words } from '../api/refusal';
import { refusal } from './action';
import { applyPreferences, type Preferences, preferences } from './preferences';

/** Changes what the operator has chosen, at once on this page and then in the Hive; takes it back where it refuses. */
export async function changePreferences(changed: Partial<Preferences>): Promise<boolean> {
  const before = preferences.peek();
  applyPreferences(changed);
  try {
    await savePreferences(changed);
    return true;
  } catch (e) {
    preferences.value = before;
    refusal.value = words(e);
    return false;
  }
}
