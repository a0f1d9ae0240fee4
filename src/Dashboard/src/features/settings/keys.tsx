import { useState } from 'preact/hooks';
import { Caps } from '../../ui/caps';
import { changePreferences } from '../../ui/change-preferences';
import { Fault } from '../../ui/fault';
import { focusDrawn } from '../../ui/focus';
import { KEYS, type KeyName, keysOf, shownKey } from '../../ui/keys';
import { Label } from '../../ui/label';
import { preferences } from '../../ui/preferences';
import { Table } from '../../ui/table';
import { pressed, taken } from './press';

const names = Object.keys(KEYS) as KeyName[];

/** The pressed button or the box may be gone: the focus goes to the button that is always there. */
const toButton = (name: KeyName): void =>
  focusDrawn(() => document.querySelector<HTMLElement>(`[data-command='${name}'] .key-buttons button`));

/** Every key of the page: each can be changed or switched off. */
export function Keys() {
  const [changing, setChanging] = useState<KeyName | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const { keys } = preferences.value;
  const set = (name: KeyName, key: string | null) => void changePreferences({ keys: { [name]: key } });
  const switchTo = (name: KeyName, key: string | null) => {
    set(name, key);
    toButton(name);
  };
  const take = (name: KeyName, key: string) => {
    const other = taken(key, name);
    if (other !== null) {
      setFault(`${shownKey(key)} already means “${KEYS[other].does}”; change that one first or press another key.`);
      return;
    }
    setFault(null);
    setChanging(null);
    set(name, key);
    toButton(name);
  };
  return (
    <section class="group" aria-labelledby="settings-keys">
      <h2 id="settings-keys">Keys</h2>
      <p class="dim">Single letters act outside of boxes only.</p>
      <Table
        label="Every key"
        columns={
          <>
            <th scope="col">does</th>
            <th scope="col">key</th>
            <th scope="col">
              <span class="hidden">change</span>
            </th>
          </>
        }
      >
        <tbody>
          {names
            .filter((name) => name !== 'option')
            .map((name) => (
              <tr key={name} data-command={name}>
                <th scope="row">{KEYS[name].does}</th>
                <td>
                  {changing === name ? (
                    <input
                      class="field"
                      aria-label={`Press the key that does: ${KEYS[name].does}`}
                      placeholder="press a key …"
                      autofocus
                      ref={(el) => el?.focus()}
                      onBlur={() => setChanging(null)}
                      onKeyDown={(e) => {
                        if (e.key === 'Tab') return;
                        e.preventDefault();
                        e.stopPropagation();
                        if (e.key === 'Escape') {
                          setChanging(null);
                          toButton(name);
                          return;
                        }
                        const key = pressed(e);
                        if (key !== null) take(name, key);
                      }}
                    />
                  ) : keysOf(name).length === 0 ? (
                    <span class="dim">off</span>
                  ) : (
                    <Caps of={name} />
                  )}
                </td>
                <td class="key-buttons">
                  <button type="button" class="act" onClick={() => setChanging(name)}>
                    <Label text="CH4NG3" of={`the key: ${KEYS[name].does}`} />
                  </button>
                  {keysOf(name).length === 0 ? null : (
                    <button type="button" class="act" onClick={() => switchTo(name, '')}>
                      <Label text="0FF" of={`“${KEYS[name].does}”`} />
                    </button>
                  )}
                  {keys[name] === undefined ? null : (
                    <button type="button" class="act" onClick={() => switchTo(name, null)}>
                      <Label text="↺ R3S3T" of={`“${KEYS[name].does}”`} />
                    </button>
                  )}
                </td>
              </tr>
            ))}
        </tbody>
      </Table>
      <Fault error={fault} />
    </section>
  );
}
