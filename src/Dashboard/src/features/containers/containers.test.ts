import { describe, expect, test, vi } from 'vitest';
import type { Agent } from '../../api/types';
import { loaded } from '../../test/loaded';
import { perform, refusal } from '../../ui/action';
import { applyPreferences, preferences } from '../../ui/preferences';
import { toasts, undoLatest } from '../../ui/undo';
import { muteOrUnmute } from './actions';
import { eventsOf } from './events';
import { Containers } from './store';
import { underWay, verbsOf, wantsUpdate } from './verb';

const posted = vi.fn(async (_: string, __: { body: object }) => ({}));
vi.mock('../../api/client', async (original) => ({
  ...(await original<typeof import('../../api/client')>()),
  api: { POST: (path: string, asked: { body: object }) => posted(path, asked) },
}));

const AT = '2026-05-01T12:00:00.000Z';
const agent = (name: string, rest: Partial<Agent> = {}): Agent =>
  ({
    name,
    role: 'agent',
    runtime: 'sandbox',
    running: true,
    failed: false,
    paused: false,
    needs_login: false,
    needs_update: false,
    unread: 0,
    pending_reminders: 0,
    url: '',
    ...rest,
  }) as Agent;

test('events replace whole rows of agents and transients', () => {
  const { store, event } = loaded(new Containers(), eventsOf, { agents: [agent('a'), agent('b')] });
  event({ kind: 'container_state_changed', container: agent('a', { running: false }) });
  event({ kind: 'transient_set', transient: { name: 'a', kind: 'starting', since_at: AT } });
  expect(store.agents.value.get('a')?.running).toBe(false);
  expect(store.transients.value.get('a')?.kind).toBe('starting');
  event({ kind: 'transient_cleared', name: 'a' });
  event({ kind: 'container_removed', name: 'b' });
  expect(store.transients.value.size).toBe(0);
  expect(store.names.value).toEqual(['a']);
});

test('muting an agent is done at once, and undone; what the host refuses stays as it was', async () => {
  applyPreferences({ muted: ['a'] });
  expect(await perform(muteOrUnmute('b'))).toBe(true);
  expect(posted).toHaveBeenLastCalledWith('/api/preferences', { body: { muted: ['a', 'b'] } });
  expect([preferences.value.muted, toasts.value.map(({ label }) => label)]).toEqual([['a', 'b'], ['♪ MUT3']]);
  undoLatest();
  expect(posted).toHaveBeenLastCalledWith('/api/preferences', { body: { muted: ['a'] } });
  posted.mockRejectedValueOnce(new Error('the disk is full'));
  expect(await perform(muteOrUnmute('a'))).toBe(false);
  expect([preferences.value.muted, refusal.value]).toEqual([['a'], 'the disk is full']);
});

describe('the buttons of a row', () => {
  const during = (kind: string) => ({ name: 'a', kind, since_at: AT });

  test('fit what the agent is', () => {
    expect(verbsOf(agent('a'), undefined)).toEqual({
      atHand: ['stop', 'restart', 'rebuild'],
      aside: ['kill', 'destroy', 'purge'],
    });
    expect(verbsOf(agent('a', { running: false }), undefined)).toEqual({
      atHand: ['start', 'rebuild'],
      aside: ['destroy', 'purge'],
    });
    expect(verbsOf(agent('m', { role: 'manager' }), undefined).aside).toEqual(['kill']);
    expect(verbsOf(agent('e', { runtime: 'external' }), undefined)).toEqual({
      atHand: ['rebuild'],
      aside: ['destroy', 'purge'],
    });
  });

  test.each(['stopping', 'restarting'])('stay while it is %s and does not run for a moment', (kind) => {
    expect(verbsOf(agent('a', { running: false }), during(kind)).atHand).toEqual(['stop', 'restart', 'rebuild']);
  });

  test('stay while it is starting and runs already', () => {
    expect(verbsOf(agent('a'), during('starting')).atHand).toEqual(['start', 'rebuild']);
    expect(underWay(during('starting'))).toBe('start');
    expect(underWay(during('something new'))).toBeNull();
    expect(underWay(undefined)).toBeNull();
  });

  test('offer an update to what needs one and to what has failed', () => {
    expect(
      [agent('a'), agent('b', { needs_update: true }), agent('c', { failed: true })]
        .filter(wantsUpdate)
        .map((a) => a.name),
    ).toEqual(['b', 'c']);
  });
});
