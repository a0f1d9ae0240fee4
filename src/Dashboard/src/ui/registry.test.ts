import { expect, test } from 'vitest';
import { kindsOf, waiting } from '../features/waiting';
import { contribute } from '../shell/contributions';
import { inNav } from '../shell/nav';
import { ranked } from '../shell/palette-view';
import { LABELS } from './labels';
import { agentTabs, commandSources, placeAt, places, titleAt, waitingKinds } from './registry';
import { near } from './text/near';

const view = () => null;
const home = { place: { address: '/', title: () => '', view } };
const agents = { place: { address: '/agents', title: () => 'agents', view } };
const agent = { place: { address: '/agents/:name/:tab?/:rest?', title: (p: { name: string }) => p.name, view } };
const source = { source: { order: 1, entries: () => [{ id: 'x', title: 'Do x', group: 'test', run: () => {} }] } };

/** The page's own files, as the page itself takes them. */
const own = {
  places: import.meta.glob('../places/*.ts', { eager: true }),
  tabs: import.meta.glob('../tabs/*.ts', { eager: true }),
  waiting: import.meta.glob('../waiting/*.ts', { eager: true }),
  commands: import.meta.glob('../commands/*.ts', { eager: true }),
};
const found = (typed: string) =>
  ranked(
    commandSources.value.flatMap(({ entries }) => entries(typed)),
    typed,
    [],
  ).map(({ title }) => title);

test('one file adds a place, with its address, title, line of the navigation, key and entry of the palette', () => {
  contribute(own);
  expect(placeAt('/costs')).toBeNull();
  const nav = { order: 65, to: '/costs', label: 'L1V3', key: 'go-stats', glyph: '$' } as const;
  const costs = { place: { address: '/costs', title: () => 'costs', nav, view } };
  contribute({ ...own, places: { ...own.places, '../places/costs.ts': costs } });
  expect(placeAt('/costs')?.place).toBe(costs.place);
  expect(placeAt('/stats')?.place.address).toBe('/stats');
  expect(titleAt('/costs')).toBe('costs · HIVE');
  const lines = inNav().map(({ nav: { to } }) => to);
  expect(lines.indexOf('/costs')).toBe(lines.indexOf('/stats') + 1);
  expect(found(LABELS.L1V3)[0]).toBe(LABELS.L1V3);
});

test('one file adds a tab of an agent', () => {
  const costs = { tab: { name: 'costs', order: 35, label: 'L1V3', view } };
  contribute({ ...own, tabs: { ...own.tabs, '../tabs/costs.ts': costs } });
  expect(agentTabs.value.map(({ name }) => name)).toEqual([
    'live',
    'messages',
    'turns',
    'costs',
    'files',
    'config',
    'log',
  ]);
});

test('one file adds a kind of waiting thing, and without it the thing is shown by its title', () => {
  waiting.snapshot({
    waiting: [
      {
        key: 'gate-7',
        kind: 'gate',
        id: '7',
        agent: 'alice',
        title: 'release 1.2',
        since_at: '2026-05-01T12:00:00Z',
        urgency: 'now',
        refs: [],
        url: '/waiting/gate-7',
      },
    ],
  });
  contribute(own);
  expect(found('release 1.2')).toContain('alice gate: release 1.2');
  const gate = { kind: { kind: 'gate', name: 'gate', does: () => 'stands before a gate' } };
  contribute({ ...own, waiting: { ...own.waiting, '../waiting/gate.ts': gate } });
  expect(found('release 1.2')).toContain('alice stands before a gate: release 1.2');
  expect(kindsOf(waitingKinds.value, [], {})).toContainEqual({ kind: 'gate', name: 'gate' });
});

test('one file adds entries of the palette', () => {
  contribute({ ...own, commands: { ...own.commands, '../commands/x.ts': source } });
  expect(found('Do x')[0]).toBe('Do x');
});

test('a file that contributes nothing is refused by its name', () => {
  expect(() => contribute({ places: { './none.ts': {} } })).toThrow('./none.ts exports no place');
});

test.each([
  ['/', '', 'HIVE'],
  ['/agents', undefined, 'agents · HIVE'],
  ['/agents/alice', 'alice', 'alice · HIVE'],
  ['/agents/alice/turns/7', 'alice', 'alice · HIVE'],
  ['/nowhere', undefined, 'no such place · HIVE'],
])('the path %s means a place', (path, name, title) => {
  contribute({ places: { a: agent, b: home, c: agents } });
  expect(placeAt(path)?.params.name ?? (path === '/' ? '' : undefined)).toBe(name);
  expect(titleAt(path)).toBe(title);
});

test('a place without names goes before one with names', () => {
  contribute({ places: { a: agent, b: agents } });
  expect(places.value.map(({ address }) => address)).toEqual(['/agents', '/agents/:name/:tab?/:rest?']);
});

test('a mistyped address may have meant a place', () => {
  expect(near('/mesages', ['/', '/agents', '/messages'])).toBe('/messages');
  expect(near('/something/else', ['/', '/agents', '/messages'])).toBeNull();
});
