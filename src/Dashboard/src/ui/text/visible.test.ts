import { expect, test } from 'vitest';
import { visible } from './visible';
// The host's tests read the same file.
import shared from './visible.cases.json?raw';

const { hidden, texts } = JSON.parse(shared) as { hidden: [number, number][]; texts: [string, string][] };

test.each(texts)('the text %j is shown as the terminal shows it', (text, shown) => {
  expect(visible(text)).toBe(shown);
});

test('the characters that are written out are those of the terminal', () => {
  const found: [number, number][] = [];
  for (let code = 0x20; code <= 0x10ffff; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const text = String.fromCodePoint(code);
    const shown = visible(text);
    if (shown === text) continue;
    expect(shown).toBe(`⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`);
    const last = found.at(-1);
    if (last?.[1] === code - 1) last[1] = code;
    else found.push([code, code]);
  }
  expect(found).toEqual(hidden);
});
