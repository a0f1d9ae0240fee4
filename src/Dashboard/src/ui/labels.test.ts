import { expect, test } from 'vitest';
import { LABELS } from './labels';

test('no two labels share a spelling, wired or plain', () => {
  const plain = Object.values(LABELS).map((name) => name.toLowerCase());
  expect(plain.length - new Set(plain).size).toBe(0);
  for (const [wired, name] of Object.entries(LABELS)) {
    expect(name, wired).toMatch(/^[A-Z][a-z]/);
    expect(wired, name).not.toBe(name);
  }
});
