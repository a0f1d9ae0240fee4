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
      // Without room for it there it is on this page all the same.
    }
  };
  return [text, keep];
}
