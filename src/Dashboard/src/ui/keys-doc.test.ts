import { expect, test } from 'vitest';
import guide from '../../../../docs/guide/keys.md?raw';
import { KEYS, type KeyName, shownKey } from './keys';

test('the guide has every key', () => {
  const names = Object.keys(KEYS) as KeyName[];
  const groups = [...new Set(names.map((name) => KEYS[name].group))];
  const tables = groups.map((group) => {
    const rows = names
      .filter((name) => KEYS[name].group === group)
      .map((name) => `| ${KEYS[name].keys.map((key) => `\`${shownKey(key)}\``).join(' ')} | ${KEYS[name].does} |`);
    return [`## ${group}`, '', '| key | does |', '|---|---|', ...rows].join('\n');
  });
  // The expected text is what belongs between the two marks.
  const [, shown = ''] = /<!-- keys -->\n([\s\S]*)<!-- \/keys -->/.exec(guide) ?? [];
  expect(shown.trim()).toBe(tables.join('\n\n'));
});
