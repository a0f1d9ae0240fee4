import { describe, expect, test } from 'vitest';
import type { DashboardEvent, MessageEventKind } from '../../api/events';
import type { Agent, Message, Snapshot } from '../../api/types';
import { resyncDelay } from '../../stream/backoff';
import { KEPT, KEPT_LIVE, markOf, PAGE } from './message-log';
import { Swarm } from './store';
import { describe as truth } from '../../stream/truth';
import { underWay, verbsOf, wantsUpdate } from '../containers/verb';

const AT = '2026-05-01T12:00:00.000Z';
const message = (id: number, rest: Partial<Message> = {}): Message => ({ id, from: 'alice', to: 'bob', body: `body ${id}`, sent_at: AT, file_refs: [], ...rest }) as Message;
const agent = (name: string, rest: Partial<Agent> = {}): Agent =>
  ({ name, role: 'agent', runtime: 'sandbox', running: true, failed: false, paused: false, needs_login: false, needs_update: false, unread: 0, pending_reminders: 0, url: '', ...rest }) as Agent;
const snapshot = (rest: Partial<Snapshot> = {}): Snapshot =>
  ({ cursor: 'e-10', hive_version: '1', host: 'h', agents: [], transients: [], parked: [], tombstones: [], approvals: [], approval_history: [], meta_inputs: [], inbox: [], inbox_unread: 0, reminders: [], questions: [], question_history: [], ...rest }) as unknown as Snapshot;

function loaded(rest: Partial<Snapshot> = {}): { swarm: Swarm; event: (e: object) => boolean; told: (kind: MessageEventKind, m: Message) => boolean } {
  const swarm = new Swarm();
  swarm.applySnapshot(snapshot(rest));
  let seq = 10;
  const event = (e: object) => swarm.apply(`e-${++seq}`, { ...e, seq } as DashboardEvent);
  return { swarm, event, told: (kind, m) => event({ kind, message: m }) };
}

const ids = (swarm: Swarm) => swarm.flow.value.rows.map((r) => r.message.id);
const page = (from: number, to: number, cursor = 'e-10') => async () => ({ cursor, messages: Array.from({ length: to - from + 1 }, (_, i) => message(from + i)) });

describe('events', () => {
  test('that the snapshot holds already, or of another run of the host, change nothing', () => {
    const { swarm } = loaded();
    expect(swarm.apply('e-10', { kind: 'container_state_changed', seq: 10, container: agent('x') })).toBe(false);
    expect(swarm.apply('f-99', { kind: 'container_state_changed', seq: 99, container: agent('x') })).toBe(false);
    expect(swarm.agents.value.size).toBe(0);
    expect(swarm.apply('e-11', { kind: 'container_state_changed', seq: 11, container: agent('x') })).toBe(true);
    expect(swarm.apply('e-11', { kind: 'container_removed', seq: 11, name: 'x' })).toBe(false);
    expect([...swarm.agents.value.keys()]).toEqual(['x']);
    expect(swarm.cursor).toBe('e-11');
  });

  test('of kinds that this page does not know pass by and count as seen', () => {
    const { swarm, event } = loaded();
    expect(event({ kind: 'forge_changed' as never })).toBe(true);
    expect(swarm.cursor).toBe('e-11');
  });

  test('replace whole rows of agents and transients', () => {
    const { swarm, event } = loaded({ agents: [agent('a'), agent('b')] });
    event({ kind: 'container_state_changed', container: agent('a', { running: false }) });
    event({ kind: 'transient_set', transient: { name: 'a', kind: 'starting', since_at: AT } });
    expect(swarm.agents.value.get('a')?.running).toBe(false);
    expect(swarm.transients.value.get('a')?.kind).toBe('starting');
    event({ kind: 'transient_cleared', name: 'a' });
    event({ kind: 'container_removed', name: 'b' });
    expect(swarm.transients.value.size).toBe(0);
    expect(swarm.names.value).toEqual(['a']);
  });
});

describe('what is kept of destroyed agents', () => {
  test('comes whole with its event', () => {
    const kept = (name: string) => ({ name, state_bytes: 1, modified_at: AT, has_credentials: false });
    const { swarm, event } = loaded({ tombstones: [kept('a'), kept('b')] });
    expect(swarm.tombstones.value.map((t) => t.name)).toEqual(['a', 'b']);
    event({ kind: 'tombstones_changed', tombstones: [kept('c')] });
    expect(swarm.tombstones.value.map((t) => t.name)).toEqual(['c']);
  });
});

describe('the buttons of a row', () => {
  const during = (kind: string) => ({ name: 'a', kind, since_at: AT });

  test('fit what the agent is', () => {
    expect(verbsOf(agent('a'), undefined)).toEqual({ atHand: ['stop', 'restart', 'rebuild'], aside: ['kill', 'destroy', 'purge'] });
    expect(verbsOf(agent('a', { running: false }), undefined)).toEqual({ atHand: ['start', 'rebuild'], aside: ['destroy', 'purge'] });
    expect(verbsOf(agent('m', { role: 'manager' }), undefined).aside).toEqual(['kill']);
    expect(verbsOf(agent('e', { runtime: 'external' }), undefined)).toEqual({ atHand: ['rebuild'], aside: ['destroy', 'purge'] });
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
    expect([agent('a'), agent('b', { needs_update: true }), agent('c', { failed: true })].filter(wantsUpdate).map((a) => a.name)).toEqual(['b', 'c']);
  });
});

describe('the operator’s inbox', () => {
  test('counts what is new once, and what is acked down once', () => {
    const { swarm, told } = loaded({ inbox: [message(1, { to: 'operator' })], inbox_unread: 1 });
    told('sent', message(2, { to: 'operator' }));
    told('delivered', message(2, { to: 'operator', delivered_at: AT }));
    told('sent', message(3, { to: 'bob' }));
    expect(swarm.inboxUnread.value).toBe(2);
    expect(swarm.inbox.value.map((m) => m.id)).toEqual([2, 1]);
    told('acked', message(1, { to: 'operator', acked_at: AT }));
    told('acked', message(1, { to: 'operator', acked_at: AT }));
    expect(swarm.inboxUnread.value).toBe(1);
    expect(swarm.waiting.value).toBe(1);
  });

  test('holds the 50 newest and still counts those below', () => {
    const { swarm, told } = loaded();
    for (let id = 1; id <= 60; id++) told('sent', message(id, { to: 'operator' }));
    expect(swarm.inbox.value).toHaveLength(50);
    expect(swarm.inboxUnread.value).toBe(60);
    told('acked', message(3, { to: 'operator', acked_at: AT }));
    expect(swarm.inboxUnread.value).toBe(59);
  });
});

describe('parked messages', () => {
  test('come with their event and go when retried or dropped', () => {
    const { swarm, told } = loaded();
    told('parked', message(5, { parked_at: AT, attempts: 3 }));
    told('parked', message(6, { parked_at: AT, attempts: 3 }));
    expect(swarm.parked.value.map((m) => m.id)).toEqual([6, 5]);
    told('requeued', message(5));
    told('dropped', message(6, { parked_at: AT, acked_at: AT }));
    expect(swarm.parked.value).toEqual([]);
  });
});

describe('the message log', () => {
  test('puts rows in order of their ids, in place, each once', async () => {
    const { swarm, told } = loaded();
    await swarm.page(false, page(1, 3));
    told('sent', message(5));
    told('sent', message(4));
    told('delivered', message(4, { delivered_at: AT }));
    expect(ids(swarm)).toEqual([1, 2, 3, 4, 5]);
    expect(swarm.flow.value.rows.map(markOf)).toEqual(['waiting', 'waiting', 'waiting', 'delivered', 'waiting']);
  });

  test('what happens while a page is on its way is laid over it', async () => {
    const { swarm, told } = loaded();
    let arrive = (): void => {};
    const under = swarm.page(false, async () => {
      await new Promise<void>((r) => (arrive = r));
      return { cursor: 'e-10', messages: [message(1)] };
    });
    told('sent', message(2));
    told('acked', message(2, { acked_at: AT }));
    told('acked', message(1, { acked_at: AT }));
    arrive();
    await under;
    expect(ids(swarm)).toEqual([1, 2]);
    expect(swarm.flow.value.rows.map(markOf)).toEqual(['acked', 'acked']);
  });

  test('pages back until the beginning', async () => {
    const { swarm } = loaded();
    await swarm.page(false, page(PAGE + 1, 2 * PAGE));
    const asked: (number | null)[] = [];
    await swarm.page(true, (before) => (asked.push(before), page(1, PAGE)()));
    expect(asked).toEqual([PAGE + 1]);
    expect(ids(swarm)).toEqual(Array.from({ length: 2 * PAGE }, (_, i) => i + 1));
    await swarm.page(true, async () => ({ cursor: 'e-10', messages: [] }));
    expect(swarm.flow.value.hasOlder).toBe(false);
  });

  test('is bounded while it follows', async () => {
    const { swarm, told } = loaded();
    await swarm.page(false, page(1, 10));
    for (let id = 11; id <= KEPT_LIVE + 100; id++) told('sent', message(id));
    expect(ids(swarm)).toHaveLength(KEPT_LIVE);
    expect(ids(swarm).at(-1)).toBe(KEPT_LIVE + 100);
    expect(swarm.flow.value.hasOlder).toBe(true);
    expect(swarm.unseen.value).toBe(0);
  });

  test('is bounded while it is paged back: the newest rows go, and what is new is only counted', async () => {
    const { swarm, told } = loaded();
    const top = KEPT + PAGE;
    await swarm.page(false, page(top - PAGE + 1, top));
    swarm.following.value = false;
    for (let to = top - PAGE; to >= PAGE; to -= PAGE) await swarm.page(true, page(to - PAGE + 1, to));
    expect(ids(swarm)).toHaveLength(KEPT);
    expect(swarm.flow.value.atHead).toBe(false);
    told('sent', message(top + 1));
    expect(swarm.unseen.value).toBe(1);
    expect(ids(swarm)).not.toContain(top + 1);
    await swarm.page(false, page(top - PAGE + 2, top + 1));
    expect(swarm.flow.value.atHead).toBe(true);
    expect(ids(swarm).at(-1)).toBe(top + 1);
    expect(swarm.unseen.value).toBe(0);
  });

  test('is bounded while somebody reads further up and much arrives', async () => {
    const { swarm, told } = loaded();
    await swarm.page(false, page(1, 10));
    swarm.following.value = false;
    for (let id = 11; id <= KEPT + 500; id++) told('sent', message(id));
    expect(ids(swarm)).toHaveLength(KEPT);
    expect(ids(swarm)[0]).toBe(1);
    expect(swarm.flow.value.atHead).toBe(false);
    expect(swarm.unseen.value).toBe(KEPT + 490);
  });

  test('an older page that arrives after the log was begun anew is let go', async () => {
    const { swarm } = loaded();
    await swarm.page(false, page(201, 400));
    let arrive = (): void => {};
    const older = swarm.page(true, async () => {
      await new Promise<void>((r) => (arrive = r));
      return page(1, 200)();
    });
    await swarm.page(false, page(801, 1000));
    arrive();
    await older;
    expect(ids(swarm)[0]).toBe(801);
  });

  test('marks', () => {
    const mark = (rest: Partial<Message>, dropped = false) => markOf({ message: message(1, rest), dropped });
    expect(mark({})).toBe('waiting');
    expect(mark({ attempts: 1 })).toBe('requeued');
    expect(mark({ attempts: 1, delivered_at: AT })).toBe('delivered');
    expect(mark({ delivered_at: AT, acked_at: AT })).toBe('acked');
    expect(mark({ attempts: 3, parked_at: AT })).toBe('parked');
    expect(mark({ parked_at: AT }, true)).toBe('dropped');
    expect(mark({ parked_at: AT, acked_at: AT })).toBe('dropped');
  });
});

describe('what failed and comes again by itself', () => {
  const next_attempt_at = '2026-05-01T12:00:20.000Z';
  const waiting = (swarm: Swarm) => swarm.backedOff.value.map(({ id }) => id);

  test('is known from the log and from what happens, until it is delivered, parked, settled or dropped', async () => {
    const { swarm, told } = loaded();
    const failed = (id: number) => message(id, { attempts: 1, next_attempt_at });
    await swarm.page(false, async () => ({ cursor: 'e-10', messages: [message(1), failed(2)] }));
    expect(waiting(swarm)).toEqual([2]);
    for (const id of [3, 4, 5, 6]) told('requeued', failed(id));
    expect(waiting(swarm)).toEqual([6, 5, 4, 3, 2]);
    told('delivered', message(2, { attempts: 1, delivered_at: AT }));
    told('parked', message(3, { attempts: 3, parked_at: AT, next_attempt_at }));
    told('acked', message(4, { acked_at: AT }));
    told('dropped', failed(5));
    expect(waiting(swarm)).toEqual([6]);
    expect(swarm.parked.value.map(({ id }) => id)).toEqual([3]);
    told('requeued', message(6, { attempts: 1 }));
    expect(waiting(swarm)).toEqual([]);
  });
});

describe('the connection state', () => {
  const synced = { state: 'synced', resyncedAt: null } as const;

  test('is live only when both the stream and the snapshot are', () => {
    expect(truth({ state: 'live', since: 0 }, synced).state).toBe('live');
    const waits = { state: 'waiting', again: true, nextTryAt: 1, reason: '', stranger: false } as const;
    expect(truth({ state: 'live', since: 0 }, waits).state).toBe('resyncing');
    expect(truth({ state: 'connecting' }, synced).state).toBe('connecting');
    expect(truth({ state: 'live', since: 0 }, { state: 'synced', resyncedAt: 5 }).state).toBe('resynced');
  });

  test('says since when it is broken, when it tries next and why', () => {
    expect(truth({ state: 'reconnecting', since: 1, nextTryAt: 2, reason: 'gone' }, synced)).toMatchObject({ state: 'reconnecting', since: 1, nextTryAt: 2, detail: 'gone', canRetry: true });
    expect(truth({ state: 'cannot', reason: 'no' }, synced)).toMatchObject({ state: 'cannot', detail: 'no', canRetry: true });
    expect(truth({ state: 'signed_out' }, synced).state).toBe('signed_out');
  });

  test('says that another program answers, whichever half has met it', () => {
    const met = { state: 'waiting', again: false, nextTryAt: 2, reason: '', stranger: true } as const;
    const byStream = truth({ state: 'stranger', since: 1, nextTryAt: 2 }, synced);
    expect(byStream).toMatchObject({ state: 'stranger', since: 1, nextTryAt: 2, tone: 'bad' });
    expect(truth({ state: 'connecting' }, met)).toMatchObject({ state: 'stranger', nextTryAt: 2 });
    expect(byStream.plain).toContain('Another program');
    expect(truth({ state: 'reconnecting', since: 1, nextTryAt: 3, reason: 'gone' }, met).state).toBe('reconnecting');
  });
});

test('a resync waits 1 s to 30 s, longer each time, not in step with others', () => {
  const bounds = (attempt: number) => [resyncDelay(attempt, () => 0), resyncDelay(attempt, () => 1)];
  expect(bounds(0)).toEqual([1000, 2000]);
  expect(bounds(2)).toEqual([4000, 8000]);
  expect(bounds(50)).toEqual([15_000, 30_000]);
});
