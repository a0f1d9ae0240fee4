import { KEYS, type KeyName, keysOf } from '../../ui/keys';

const MODIFIERS = ['Shift', 'Control', 'Alt', 'Meta', 'AltGraph'];

/** A press as the table of keys writes it; null for a modifier alone. */
export function pressed({
  key,
  ctrlKey,
  metaKey,
  altKey,
  shiftKey,
}: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>): string | null {
  if (MODIFIERS.includes(key) || key === '+' || key === ' ') return null;
  const letter = /^[a-z]$/i.test(key);
  // Windows calls AltGr ctrl and alt: it belongs to the sign.
  const isAltGr = ctrlKey && altKey && key.length === 1 && !letter;
  // A sign that needs shift on one keyboard does not on another.
  const shift = shiftKey && (letter || key.length > 1) ? 'Shift+' : letter ? '' : key.length === 1 ? '[Shift]+' : '';
  return `${(ctrlKey || metaKey) && !isAltGr ? '$mod+' : ''}${altKey && !isAltGr ? 'Alt+' : ''}${shift}${letter && shiftKey ? key.toUpperCase() : key}`;
}

/** The other command that a key means already; null for none. A sequence's first key is taken too. */
export function taken(key: string, by: KeyName): KeyName | null {
  const bare = (text: string) => text.replace('[Shift]+', '').toLowerCase();
  for (const name of Object.keys(KEYS) as KeyName[]) {
    if (name === by) continue;
    for (const other of keysOf(name))
      if (bare(other) === bare(key) || (!key.includes(' ') && bare(other).startsWith(`${bare(key)} `))) return name;
  }
  return null;
}
