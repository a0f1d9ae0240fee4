import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { applyPreferences } from '../ui/preferences';
import type { Command } from '../ui/registry';

vi.mock('../ui/selected', async (original) => ({ ...(await original<object>()), selectedNow: () => now }));

const asked = vi.hoisted(() => vi.fn(async (..._: unknown[]) => {}));
/** The tickets that the host finds. */
const found = vi.hoisted(() => vi.fn(async (..._: unknown[]) => ({ data: [{ id: 7, title: 'Zebra crossing' }] })));
vi.mock('../api/client', async (original) => ({ ...(await original<object>()), api: { POST: asked, GET: found } }));

let now: object | null = null;

const { commandSources } = await import('../ui/registry');
const { containers } = await import('../features/containers');
const { found: tickets } = await import('../commands/tickets');
const { messages } = await import('../features/messages');
const { waiting } = await import('../features/waiting');
const { chosenIn, once, ranked } = await import('./palette-view');
const { contribute, contributeCommands } = await import('./contributions');
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
  expect(chosenIn([stop, destroy], 'stop')).toBe(0);
  expect(chosenIn([command('question'), stop, destroy], 'stop')).toBe(1);
  expect([chosenIn([stop, destroy], null), chosenIn([], null)]).toEqual([0, -1]);
});

test('when the chosen entry has gone, its neighbour is not chosen', () => {
  expect(chosenIn([command('destroy')], 'stop')).toBe(-1);
});

test('what can be done with the selected thing is another entry for another thing', () => {
  const approve = (of: string) => ({ id: 'approve', label: '◆ APPR0VE', of, run: async () => {} });
  const [first] = ['12', '13'].map((of) => {
    now = { name: `approval ${of}`, actions: [approve(of)] };
    return offered()[0]?.id;
  });
  expect(offered()[0]?.title).toBe('Approve 13');
  expect(offered()[0]?.id).not.toBe(first);
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

test('a command that is written in the palette is a command there too', () => {
  const text = find(find(offered(), 'Send a message to an agent')?.asks?.().entries?.(''), '@bob')?.asks?.().text;
  expect(text?.bodyOf?.('//x')).toBe('/x');
  expect(text?.faultOf?.('/cancel')).toBeNull();
  expect(text?.faultOf?.('/nonsense')).toContain('Unknown command');
  void text?.action('/compact', '/compact').run();
  expect(asked.mock.lastCall?.[0]).toBe('/api/agents/{name}/compact');
});

test('a model is chosen in steps: of whom, then its name', () => {
  const ofWhom = find(offered(), 'Use another model')?.asks?.();
  const which = find(ofWhom?.entries?.(''), '@alice')?.asks?.();
  expect(which?.entries?.('').map(({ title }) => title)).toEqual(['the configured model']);
  expect(which?.entries?.('opus').map(({ title }) => title)).toEqual(['opus', 'the configured model']);
});

test('an agent is muted from a list of those that are not, and unmuted from the others', () => {
  applyPreferences({ muted: ['bob'] });
  const names = (verb: string) =>
    find(offered(), `${verb} an agent`)
      ?.asks?.()
      .entries?.('')
      .map(({ title }) => title);
  expect([names('Mute'), names('Unmute')]).toEqual([['@alice'], ['@bob']]);
  expect(titles('mute alice')).toContain('Mute alice');
  applyPreferences({ muted: [] });
});

test('how to be told of a kind is chosen in steps', () => {
  contribute({ waiting: import.meta.glob('../waiting/*.ts', { eager: true }) });
  applyPreferences({ notify_kinds: { crash: 'silent' } });
  const kinds = find(offered(), 'Notifications of a kind')?.asks?.().entries?.('');
  expect(find(kinds, 'crash')?.group).toBe('silent');
  const levels = find(kinds, 'crash')?.asks?.().entries?.('');
  expect(levels?.map(({ title }) => title)).toEqual(['as its urgency', 'notify', 'count', 'stay silent']);
  applyPreferences({ notify_kinds: {} });
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

describe('among messages and tickets that hold the typed letters', () => {
  const NOISE = ['Stop the press: we pause, restart, snooze and lock', 'She took a photo: new tickets, no tickets'];

  beforeEach(() => {
    vi.spyOn(messages.flow, 'value', 'get').mockReturnValue({
      rows: NOISE.map((body, i) => ({ message: { id: 10 + i, from: 'alice', to: 'bob', body } })),
    } as never);
    tickets.value = NOISE.map((title, i) => ({ id: 20 + i, title })) as never;
    waiting.snapshot({
      waiting: [{ key: 'message-alice', kind: 'message', agent: 'alice', title: NOISE[0] }] as never,
    });
  });

  afterEach(() => {
    vi.restoreAllMocks();
    tickets.value = [];
    waiting.snapshot({ waiting: [] });
  });

  test.each([
    ['stop', 'Stop an agent'],
    ['pause', 'Pause an agent'],
    ['restart', 'Restart an agent'],
    ['halt', 'Stop an agent'],
    ['snooze', 'Snooze something that waits'],
    ['lock', 'Locks'],
    ['new ticket', 'Make a ticket'],
    ['create agent', 'Make an agent'],
    ['stop alice', 'Stop alice'],
    ['@alice', '@alice'],
  ])('“%s” finds first: %s', (typed, title) => expect(titles(typed)[0]).toBe(title));

  test('a ticket that the host finds is listed, and one by its number', async () => {
    vi.useFakeTimers();
    for (const typed of ['ze', 'zebr', 'zebra']) titles(typed);
    await vi.advanceTimersByTimeAsync(200);
    vi.useRealTimers();
    const sought = found.mock.calls.filter((call) => JSON.stringify(call).includes('"ze'));
    expect(sought).toEqual([['/api/v1/tickets', { params: { query: { text: 'zebra', limit: 20 } } }]]);
    expect(titles('zebra')).toContain('#7 Zebra crossing');
    expect(titles('#41')).toContain('Ticket #41');
  });

  test('what was typed as it is comes before its scattered letters', () => {
    const all = titles('photo');
    expect(all[0]).toContain('photo');
    expect(titles('press')[0]).toContain('press');
  });
});

test('an agent is stopped in steps: only those that run are asked for', async () => {
  const idle = { name: 'carol', runtime: 'podman', running: false, unread: 0, parked: 0 };
  containers.agents.value = new Map([...containers.agents.value, ['carol', idle as never]]);
  const which = (title: string) => find(offered(), title)?.asks?.();
  expect(
    which('Stop an agent')
      ?.entries?.('')
      .map(({ title }) => title),
  ).toEqual(['@alice', '@bob']);
  expect(
    which('Start an agent')
      ?.entries?.('')
      .map(({ title }) => title),
  ).toEqual(['@carol']);
  await find(which('Stop an agent')?.entries?.(''), '@bob')?.run?.();
  expect(asked.mock.lastCall?.slice(0, 2)).toEqual([
    '/api/agents/{name}/stop',
    { params: { path: { name: 'bob' } }, body: {} },
  ]);
});

test('what waits is snoozed in steps: which, then until when', async () => {
  waiting.snapshot({ waiting: [{ key: 'question-4', kind: 'question', agent: 'alice', title: 'Now?' }] as never });
  const which = find(offered(), 'Snooze something that waits')?.asks?.().entries?.('');
  expect(which?.map(({ title }) => title)).toEqual(['alice asks you: Now?']);
  const until = which?.[0]?.asks?.().entries?.('');
  expect(until?.map(({ title }) => title)).toEqual([
    'Snooze 10 minutes',
    'Snooze an hour',
    'Snooze until tomorrow at 9:00',
  ]);
  await until?.[1]?.run?.();
  expect(asked.mock.lastCall?.[0]).toBe('/api/waiting/{key}/snooze');
  waiting.snapshot({ waiting: [] });
});
