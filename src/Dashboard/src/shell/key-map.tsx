import { signal } from '@preact/signals';
import { Caps } from '../ui/caps';
import { KEYS, type KeyName, keysOf, useKey } from '../ui/keys';
import { Link } from '../ui/link';
import { Modal } from '../ui/modal';
import './key-map.css';

const open = signal(false);

const close = () => {
  open.value = false;
};

/** The map of keys. */
export function KeyMap() {
  useKey(
    'keys',
    () => {
      open.value = true;
    },
    true,
    'shell',
  );
  if (!open.value) return null;
  const names = Object.keys(KEYS) as KeyName[];
  const groups = [...new Set(names.map((name) => KEYS[name].group))];
  return (
    <Modal label="Keys" class="key-map" onClose={close}>
      <div class="key-map-head">
        <h2>Keys</h2>
        <span class="dim">
          They act outside of boxes. <Settings />
        </span>
        <button type="button" class="plain" aria-label="Close the map of keys" onClick={close}>
          ✗
        </button>
      </div>
      <div class="key-groups">
        {groups.map((group, i) => (
          // A name of a group has spaces, an id has none.
          <section key={group} aria-labelledby={`keys-${i}`}>
            <h3 id={`keys-${i}`}>{group}</h3>
            <dl>
              {names
                .filter((name) => KEYS[name].group === group)
                .map((name) => (
                  <div key={name}>
                    <dt>
                      {name === 'option' ? (
                        <kbd>1–9</kbd>
                      ) : keysOf(name).length === 0 ? (
                        <span class="dim">off</span>
                      ) : (
                        <Caps of={name} />
                      )}
                    </dt>
                    <dd>{KEYS[name].does}</dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  );
}

function Settings() {
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the link inside is used; this closes the map behind it
    // biome-ignore lint/a11y/useKeyWithClickEvents: a key on the link is a click too
    <span onClick={close}>
      <Link to="/settings">Change them in the settings.</Link>
    </span>
  );
}
