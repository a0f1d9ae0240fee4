import { useState } from 'preact/hooks';

/** A text that is being written, which outlives a reload of this tab. */
export function useDraft(name: string): [string, (text: string) => void] {
  const key = `hive.draft.${name}`;
  const [text, setText] = useState(() => sessionStorage.getItem(key) ?? '');
  const keep = (changed: string) => {
    setText(changed);
    try {
      if (changed === '') sessionStorage.removeItem(key);
      else sessionStorage.setItem(key, changed);
    } catch {
      // The storage is full: only a reload loses the text.
    }
  };
  return [text, keep];
}
