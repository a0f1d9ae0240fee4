import { expect, test } from 'vitest';
import { loaded } from '../../test/loaded';
import { eventsOf } from './events';
import { Tombstones } from './store';

const AT = '2026-05-01T12:00:00.000Z';

test('what is kept of destroyed agents comes whole with its event', () => {
  const kept = (name: string) => ({ name, state_bytes: 1, modified_at: AT, has_credentials: false });
  const { store, event } = loaded(new Tombstones(), eventsOf, { tombstones: [kept('a'), kept('b')] });
  expect(store.all.value.map((t) => t.name)).toEqual(['a', 'b']);
  event({ kind: 'tombstones_changed', tombstones: [kept('c')] });
  expect(store.all.value.map((t) => t.name)).toEqual(['c']);
  expect([store.has('a'), store.has('c')]).toEqual([false, true]);
});
