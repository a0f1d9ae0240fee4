import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Command } from '../ui/registry';

vi.mock('../ui/selected', async (original) => ({ ...(await original<object>()), selectedNow: () => now }));

let now: object | null = null;

const { commandSources } = await import('../ui/registry');
const { containers } = await import('../features/containers');
const { chosenIn, once, ranked } = await import('./palette-view');
const { contributeCommands } = await import('./contributions');
const { commandFiles } = await import('./commands');

const command = (id: string): Command => ({ id, title: id, group: '' });
const offered = (typed = '') => commandSources.value.flatMap(({ entries }) => entries(typed));
const titles = (typed: string) => ranked(offered(typed), typed, []).map(({ title }) => title);
const find = (all: readonly Command[] | undefined, title: string) => all?.find((one) => one.title === title);

beforeEach(() => {
  contributeCommands(commandFiles);
  containers.agents.value = new Map(
    ['alice', 'bob'].map((name) => [name, { name, runtime: 'podman', running: true, unread: 0, parked: 0 } as never]),
  );
});

afterEach(() => {
  now = null;
});

test('the chosen entry stays the chosen one while others arrive and go', () => {
  const [stop, destroy] = [command('stop'), command('destroy')];
  const choice = { id: 'stop', at: 0 };
  expect(chosenIn([stop, destroy], choice)).toBe(0);
  expect(chosenIn([command('question'), stop, destroy], choice)).toBe(1);
  expect(chosenIn([destroy], choice)).toBe(0);
  expect(chosenIn([], choice)).toBe(-1);
  expect(chosenIn([stop, destroy], { id: null, at: 0 })).toBe(0);
});

test('what is both selected and found by its name is offered once', () => {
  now = { name: 'bob', actions: [], agent: containers.agents.value.get('bob') };
  const ids = once(offered('bob')).map(({ id }) => id);
  expect(ids.length).toBe(new Set(ids).size);
  expect(offered('bob').length).toBeGreaterThan(ids.length);
});

test('a message is sent in steps: to whom, then its text', () => {
  const toWhom = find(offered(), 'Send a message to an agent')?.asks?.();
  expect(toWhom?.entries?.('').map(({ title }) => title)).toEqual(['@alice', '@bob', 'every agent']);
  const text = find(toWhom?.entries?.(''), '@bob')?.asks?.().text;
  expect([text?.target, text?.of]).toEqual(['to:bob', 'to bob']);
  const everyone = find(toWhom?.entries?.(''), 'every agent')?.asks?.().text;
  expect(everyone?.action('all of you').hold).toBe(true);
});

test('a model is chosen in steps: of whom, then its name', () => {
  const ofWhom = find(offered(), 'Use another model')?.asks?.();
  const which = find(ofWhom?.entries?.(''), '@alice')?.asks?.();
  expect(which?.entries?.('').map(({ title }) => title)).toEqual(['the configured model']);
  expect(which?.entries?.('opus').map(({ title }) => title)).toEqual(['opus', 'the configured model']);
});

test.each(['Compact', 'New session', 'Log in'])('%s asks for the agent', (verb) => {
  const step = find(offered(), `${verb} an agent`)?.asks?.();
  expect(step?.entries?.('').map(({ title }) => title)).toEqual(['@alice', '@bob']);
});

test('everything that can be done with the selected thing comes first', () => {
  const action = { id: 'approve', label: '◆ APPR0VE', of: '12', key: 'approve', run: async () => {} };
  const text = { id: 'deny', label: 'DENY', of: '12', target: 'deny:12', placeholder: '', what: 'a reason' };
  now = { name: 'approval 12', actions: [action], texts: [text] };
  const [first, second] = offered();
  expect([first?.title, first?.key, second?.title]).toEqual(['Approve 12', 'approve', 'Deny 12']);
  expect(second?.asks?.().text?.target).toBe('deny:12');
  now = { name: 'bob', actions: [], agent: containers.agents.value.get('bob') };
  const ofBob = offered().filter(({ group }) => group === 'selected · bob');
  for (const title of ['Pause bob', 'Stop bob', 'Use model: bob', 'Compact bob', 'Send to bob'])
    expect(find(ofBob, title), title).toBeDefined();
});

test.each([
  'undo time: 10',
  'scanlines: off',
  'notifications of soon: notify',
  'sound: on',
  'theme: light',
  'rows: compact',
])('the setting “%s” is found', (typed) => expect(titles(typed)[0]?.toLowerCase()).toContain(typed));
