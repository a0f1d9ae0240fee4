import type { ComponentChildren } from 'preact';
import type { Preferences } from '../../api/types';
import { changePreferences } from '../../ui/change-preferences';
import { Main } from '../../ui/main';
import { askToNotify, notifyPermission } from '../../ui/notify';
import { preferences } from '../../ui/preferences';
import { Keys } from './keys';
import { Kinds, Muted } from './kinds';
import { Sessions } from './sessions';

/** The operator's choices; the Hive keeps them, so that every browser has them. */
export function SettingsPage() {
  return (
    <Main feature="settings" title="S3TT1NGS" aside={<span class="dim">kept in the Hive, for every browser</span>}>
      <Group name="Look">
        <Choice
          name="theme"
          legend="Theme"
          of={[
            ['system', 'as the system'],
            ['dark', 'dark'],
            ['light', 'light'],
          ]}
        />
        <Choice
          name="labels"
          legend="Labels"
          of={[
            ['wired', 'wired: ◆ APPR0VE'],
            ['plain', 'plain: Approve'],
          ]}
        />
        <Choice
          name="density"
          legend="Rows"
          of={[
            ['normal', 'normal'],
            ['compact', 'compact'],
          ]}
        />
        <Switch name="scanlines" text="Scanlines on the dark wired look" />
      </Group>
      <Group name="Undo">
        <Choice
          name="undo_seconds"
          legend="Actions without an undo are held for"
          of={[
            [0, 'no time: it is sent at once'],
            [5, '5 seconds'],
            [10, '10 seconds'],
          ]}
        />
      </Group>
      <Group name="Being told">
        <Told urgency="now" legend="Things that wait for your decision" />
        <Told urgency="soon" legend="Things that failed or will need you" />
        <Told urgency="fyi" legend="Things to know" />
        <p class="dim">
          Notify: a notification on the desktop, with the sound. Count: the number and the dot of the tab. Silent: the
          list alone.
        </p>
        <Kinds />
        <Switch name="sound" text="A sound with each notification" />
        <Permission />
        <Muted />
      </Group>
      <Sessions />
      <Keys />
    </Main>
  );
}

/** A name has spaces, an id has none. */
const idOf = (name: string): string => name.replaceAll(' ', '-');

function Group({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <section class="group" aria-labelledby={`settings-${idOf(name)}`}>
      <h2 id={`settings-${idOf(name)}`}>{name}</h2>
      {children}
    </section>
  );
}

type Chosen = 'theme' | 'labels' | 'density' | 'undo_seconds';

function Choice<K extends Chosen>({
  name,
  legend,
  of,
}: {
  name: K;
  legend: string;
  of: readonly (readonly [Preferences[K], string])[];
}) {
  const change = (value: Preferences[K]) =>
    changePreferences({ [name]: value, ...(name === 'labels' ? { labels_chosen: true } : {}) });
  return (
    <Radios name={name} legend={legend} of={of} value={preferences.value[name]} onChange={(v) => void change(v)} />
  );
}

function Radios<V extends string | number>({
  name,
  legend,
  of,
  value,
  onChange,
}: {
  name: string;
  legend: string;
  of: readonly (readonly [V, string])[];
  value: V;
  onChange: (value: V) => void;
}) {
  return (
    <fieldset class="choice">
      <legend>{legend}</legend>
      {of.map(([one, text]) => (
        <label key={one}>
          <input type="radio" name={name} checked={value === one} onChange={() => onChange(one)} /> {text}
        </label>
      ))}
    </fieldset>
  );
}

function Told({ urgency, legend }: { urgency: keyof Preferences['notify']; legend: string }) {
  const { notify } = preferences.value;
  return (
    <Radios
      name={`notify-${urgency}`}
      legend={legend}
      of={[
        ['notify', 'notify'],
        ['count', 'count'],
        ['silent', 'stay silent'],
      ]}
      value={notify[urgency]}
      onChange={(how) => void changePreferences({ notify: { ...notify, [urgency]: how } })}
    />
  );
}

function Switch({ name, text }: { name: 'scanlines' | 'sound'; text: string }) {
  return (
    <label class="switch">
      <input
        type="checkbox"
        checked={preferences.value[name]}
        onChange={(e) => void changePreferences({ [name]: e.currentTarget.checked })}
      />{' '}
      {text}
    </label>
  );
}

/** Whether this browser lets the page notify, and how to allow it. */
function Permission() {
  const permission = notifyPermission.value;
  if (permission === 'granted') return <p class="dim">This browser shows notifications of this page.</p>;
  if (permission === 'default')
    return (
      <button type="button" class="act" onClick={() => void askToNotify()}>
        Allow notifications in this browser
      </button>
    );
  return (
    <p class="dim">
      {permission === 'unsupported'
        ? 'This browser has no notifications.'
        : 'This browser refuses notifications of this page; its settings for this address allow them.'}
    </p>
  );
}
