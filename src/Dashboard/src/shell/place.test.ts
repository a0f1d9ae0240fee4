import { expect, test } from 'vitest';
import { agentIn } from '../features/agent/address';
import { pathOf } from '../ui/address';
import { type Feature, features } from '../ui/feature';
import { placeAt, titleAt } from './place';

const view = () => null;
const agent: Feature = { name: 'agent', places: [{ match: agentIn, title: (name) => name, view }] };
const swarm: Feature = { name: 'swarm', places: [{ match: () => '', title: () => '', view }] };

test.each([
  ['/', '', 'HIVE'],
  ['/agents/alice', 'alice', 'alice · HIVE'],
  ['/agents/alice/', 'alice', 'alice · HIVE'],
  ['/agents/a-1', 'a-1', 'a-1 · HIVE'],
  ['/agents/Not%20One', '', 'HIVE'],
])('the path %s means a place', (path, name, title) => {
  features.value = [agent, swarm];
  expect(placeAt(pathOf(path))?.name).toBe(name);
  expect(titleAt(pathOf(path))).toBe(title);
});
