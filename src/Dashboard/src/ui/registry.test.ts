import { expect, test } from 'vitest';
import { contribute } from '../shell/contributions';
import { commandSources, placeAt, places, titleAt, waitingKind } from './registry';
import { near } from './text/near';

const view = () => null;
const home = { place: { address: '/', title: () => '', view } };
const agents = { place: { address: '/agents', title: () => 'agents', view } };
const agent = { place: { address: '/agents/:name/:tab?/:rest?', title: (p: { name: string }) => p.name, view } };
const source = { source: { order: 1, entries: () => [{ id: 'x', title: 'Do x', group: 'test', run: () => {} }] } };

const gate = { kind: { kind: 'gate', name: 'gate' } };

test('a place, a kind of waiting thing and a command are each on the page by one file', () => {
  const own = { place: { address: '/board', title: () => 'board', view } };
  contribute({
    places: { './home.ts': home, './board.ts': own },
    commands: { './x.ts': source },
    waiting: { './gate.ts': gate },
  });
  expect(waitingKind('gate')?.name).toBe('gate');
  expect(placeAt('/board')?.place).toBe(own.place);
  expect(titleAt('/board')).toBe('board · HIVE');
  expect(commandSources.value.flatMap(({ entries }) => entries('')).map(({ title }) => title)).toEqual(['Do x']);
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
