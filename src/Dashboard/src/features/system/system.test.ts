import { expect, test } from 'vitest';
import controls from '../../ui/style/controls.css?raw';
import { LocksSection } from '../locks';
import { locks } from '../locks/store';
import { BudgetsSection } from '../stats/budgets';
import { lookingText } from './findings';

test('locks and budgets have their place before there are any', () => {
  expect(locks.all.value).toEqual([]);
  expect([LocksSection(), BudgetsSection()]).not.toContain(null);
});

test('the findings say what is being looked at, and for how long', () => {
  expect(lookingText(1_000)).toBe('checking the runtimes, programs and disks of this machine …');
  expect(lookingText(4_400)).toBe(
    'checking the runtimes, programs and disks of this machine … 4 s; each runtime is tried, which takes longest',
  );
});

test('targets of a finger are at least 40 pixels high', () => {
  const [, touch = ''] = controls.split('@media (pointer: coarse)');
  expect(touch).toMatch(/\.act,[^}]*\.chip[^}]*min-height: 40px/);
});

test('the board is in the bar of a phone', async () => {
  expect((await import('../../places/board')).place.nav?.bar).toBe(true);
});
