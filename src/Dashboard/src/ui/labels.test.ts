import { expect, test } from 'vitest';
import glossary from '../../../../CONTEXT.md?raw';
import { LABELS } from './labels';

test('no two labels share a spelling, wired or plain', () => {
  const plain = Object.values(LABELS).map((name) => name.toLowerCase());
  expect(plain.length - new Set(plain).size).toBe(0);
  for (const [wired, name] of Object.entries(LABELS)) {
    expect(name, wired).toMatch(/^[A-Z][a-z]/);
    expect(wired, name).not.toBe(name);
  }
});

test('the glossary has every label in both spellings', () => {
  const [, table = ''] = /<!-- labels -->\n([\s\S]*)<!-- \/labels -->/.exec(glossary) ?? [];
  const rows = Object.entries(LABELS).map(([wired, plain]) => `| ${wired} | ${plain} |`);
  // The expected text is what belongs between the two marks.
  expect(table.trim()).toBe(['| wired | plain |', '|---|---|', ...rows].join('\n'));
});
