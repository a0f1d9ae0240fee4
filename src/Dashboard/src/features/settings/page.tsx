import type { Preferences } from '../../api/types';
import { changePreferences } from '../../ui/change-preferences';
import { Main } from '../../ui/main';
import { preferences } from '../../ui/preferences';

/** What the operator can choose; the Hive keeps it. */
export function SettingsPage() {
  return (
    <Main feature="settings" title="S3TT1NGS">
      <Choice name="theme" label="Theme" of={['system', 'dark', 'light']} />
      <Choice name="labels" label="Labels" of={['wired', 'plain']} />
      <Choice name="density" label="Rows" of={['normal', 'compact']} />
    </Main>
  );
}

function Choice<K extends 'theme' | 'labels' | 'density'>({
  name,
  label,
  of,
}: {
  name: K;
  label: string;
  of: readonly Preferences[K][];
}) {
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      {of.map((value) => (
        <label key={value}>
          <input
            type="radio"
            name={name}
            checked={preferences.value[name] === value}
            onChange={() => void changePreferences({ [name]: value })}
          />{' '}
          {value}
        </label>
      ))}
    </fieldset>
  );
}
