import { expect, test } from 'vitest';
import { loaded } from '../../test/loaded';
import { eventsOf } from './events';
import { MetaInputs } from './store';

const AT = '2026-05-01T12:00:00.000Z';

test('inputs come whole with their event', () => {
  const input = (name: string) => ({ name, locked_rev: 'abc', modified_at: AT, agents: [] });
  const { store, event } = loaded(new MetaInputs(), eventsOf, { meta_inputs: [input('a')] });
  event({ kind: 'meta_inputs_changed', meta_inputs: [input('b'), input('c')] });
  expect(store.all.value.map((i) => i.name)).toEqual(['b', 'c']);
});
