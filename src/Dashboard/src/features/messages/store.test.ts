import { describe, expect, test } from 'vitest';
import type { MessageEventKind } from '../../api/events';
import type { Message } from '../../api/types';
import { loaded as load } from '../../test/loaded';
import { eventsOf } from './events';
import { MessageLog } from './log';
import { KEPT, KEPT_LIVE, markOf, PAGE } from './message-log';
import { Messages } from './store';

const AT = '2026-05-01T12:00:00.000Z';
const message = (id: number, rest: Partial<Message> = {}): Message =>
  ({ id, from: 'alice', to: 'bob', body: `body ${id}`, sent_at: AT, file_refs: [], ...rest }) as Message;

function loaded(rest: object = {}) {
  const { store, event } = load(new Messages(), eventsOf, rest);
  return { store, told: (kind: MessageEventKind, m: Message) => event({ kind, message: m }) };
}

const ids = (store: Messages) => store.flow.value.rows.map((r) => r.message.id);
const page =
  (from: number, to: number, cursor = 'e-10') =>
  async () => ({
    cursor,
    messages: Array.from({ length: to - from + 1 }, (_, i) => message(from + i)),
  });

describe('the operator’s inbox', () => {
  test('counts what is new once, and what is acked down once', () => {
    const { store, told } = loaded({ inbox: [message(1, { to: 'operator' })], inbox_unread: 1 });
    told('sent', message(2, { to: 'operator' }));
    told('delivered', message(2, { to: 'operator', delivered_at: AT }));
    told('sent', message(3, { to: 'bob' }));
    expect(store.inboxUnread.value).toBe(2);
    expect(store.inbox.value.map((m) => m.id)).toEqual([2, 1]);
    told('acked', message(1, { to: 'operator', acked_at: AT }));
    told('acked', message(1, { to: 'operator', acked_at: AT }));
    expect(store.inboxUnread.value).toBe(1);
    told('requeued', message(1, { to: 'operator' }));
    told('requeued', message(1, { to: 'operator' }));
    expect(store.inboxUnread.value).toBe(2);
    told('acked', message(1, { to: 'operator', acked_at: AT }));
    expect(store.inboxUnread.value).toBe(1);
  });

  test('holds the 50 newest and still counts those below', () => {
    const { store, told } = loaded();
    for (let id = 1; id <= 60; id++) told('sent', message(id, { to: 'operator' }));
    expect(store.inbox.value).toHaveLength(50);
    expect(store.inboxUnread.value).toBe(60);
    told('acked', message(3, { to: 'operator', acked_at: AT }));
    expect(store.inboxUnread.value).toBe(59);
  });

  test('keeps the newest messages of each sender when another one sends many', () => {
    const { store, told } = loaded({ inbox: [message(1, { to: 'operator', from: 'bob' })], inbox_unread: 1 });
    told('sent', message(2, { to: 'operator', from: 'carol' }));
    told('acked', message(2, { to: 'operator', from: 'carol', acked_at: AT }));
    for (let id = 3; id <= 60; id++) told('sent', message(id, { to: 'operator' }));
    const shown = store.inbox.value;
    expect(shown.map((m) => m.id)).toEqual([...Array.from({ length: 48 }, (_, i) => 60 - i), 2, 1]);
  });
});

describe('parked messages', () => {
  test('come with their event and go when retried or dropped', () => {
    const { store, told } = loaded();
    told('parked', message(5, { parked_at: AT, attempts: 3 }));
    told('parked', message(6, { parked_at: AT, attempts: 3 }));
    expect(store.parked.value.map((m) => m.id)).toEqual([6, 5]);
    told('requeued', message(5));
    told('dropped', message(6, { parked_at: AT, acked_at: AT }));
    expect(store.parked.value).toEqual([]);
  });
});

describe('the message log', () => {
  test('puts rows in order of their ids, in place, each once', async () => {
    const { store, told } = loaded();
    await store.log.place(false, page(1, 3));
    told('sent', message(5));
    told('sent', message(4));
    told('delivered', message(4, { delivered_at: AT }));
    expect(ids(store)).toEqual([1, 2, 3, 4, 5]);
    expect(store.flow.value.rows.map(markOf)).toEqual(['waiting', 'waiting', 'waiting', 'delivered', 'waiting']);
  });

  test('events during the load of a page are applied to it', async () => {
    const { store, told } = loaded();
    let arrive = (): void => {};
    const under = store.log.place(false, async () => {
      await new Promise<void>((r) => (arrive = r));
      return { cursor: 'e-10', messages: [message(1)] };
    });
    told('sent', message(2));
    told('acked', message(2, { acked_at: AT }));
    told('acked', message(1, { acked_at: AT }));
    arrive();
    await under;
    expect(ids(store)).toEqual([1, 2]);
    expect(store.flow.value.rows.map(markOf)).toEqual(['acked', 'acked']);
  });

  test('pages back until the beginning', async () => {
    const { store } = loaded();
    await store.log.place(false, page(PAGE + 1, 2 * PAGE));
    const asked: (number | null)[] = [];
    await store.log.place(true, (before) => {
      asked.push(before);
      return page(1, PAGE)();
    });
    expect(asked).toEqual([PAGE + 1]);
    expect(ids(store)).toEqual(Array.from({ length: 2 * PAGE }, (_, i) => i + 1));
    await store.log.place(true, async () => ({ cursor: 'e-10', messages: [] }));
    expect(store.flow.value.hasOlder).toBe(false);
  });

  test('is bounded while it follows', async () => {
    const { store, told } = loaded();
    await store.log.place(false, page(1, 10));
    for (let id = 11; id <= KEPT_LIVE + 100; id++) told('sent', message(id));
    expect(ids(store)).toHaveLength(KEPT_LIVE);
    expect(ids(store).at(-1)).toBe(KEPT_LIVE + 100);
    expect(store.flow.value.hasOlder).toBe(true);
    expect(store.log.unseen.value).toBe(0);
  });

  test('is bounded while it is paged back: the newest rows go, and what is new is only counted', async () => {
    const { store, told } = loaded();
    const top = KEPT + PAGE;
    await store.log.place(false, page(top - PAGE + 1, top));
    store.log.following.value = false;
    for (let to = top - PAGE; to >= PAGE; to -= PAGE) await store.log.place(true, page(to - PAGE + 1, to));
    expect(ids(store)).toHaveLength(KEPT);
    expect(store.flow.value.atHead).toBe(false);
    told('sent', message(top + 1));
    expect(store.log.unseen.value).toBe(1);
    expect(ids(store)).not.toContain(top + 1);
    await store.log.place(false, page(top - PAGE + 2, top + 1));
    expect(store.flow.value.atHead).toBe(true);
    expect(ids(store).at(-1)).toBe(top + 1);
    expect(store.log.unseen.value).toBe(0);
  });

  test('is bounded while the reader is further up and much arrives', async () => {
    const { store, told } = loaded();
    await store.log.place(false, page(1, 10));
    store.log.following.value = false;
    for (let id = 11; id <= KEPT + 500; id++) told('sent', message(id));
    expect(ids(store)).toHaveLength(KEPT);
    expect(ids(store)[0]).toBe(1);
    expect(store.flow.value.atHead).toBe(false);
    expect(store.log.unseen.value).toBe(KEPT + 490);
  });

  test('an older page that arrives after a reload of the log is discarded', async () => {
    const { store } = loaded();
    await store.log.place(false, page(201, 400));
    let arrive = (): void => {};
    const older = store.log.place(true, async () => {
      await new Promise<void>((r) => (arrive = r));
      return page(1, 200)();
    });
    await store.log.place(false, page(801, 1000));
    arrive();
    await older;
    expect(ids(store)[0]).toBe(801);
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

describe('a log of a part of the messages', () => {
  const toMe = ({ to, acked_at }: Message) => to === 'operator' && acked_at == null;

  test('takes what comes to match, and a row that matches no longer goes', async () => {
    const { store, told } = loaded();
    const log = new MessageLog(page(1, 0), toMe);
    const forget = store.keep(log);
    await log.page(false);
    told('sent', message(1, { to: 'operator' }));
    told('sent', message(2));
    told('sent', message(3, { to: 'operator' }));
    told('acked', message(1, { to: 'operator', acked_at: AT }));
    expect(log.flow.value.rows.map((r) => r.message.id)).toEqual([3]);
    told('requeued', message(2, { to: 'operator' }));
    expect(log.flow.value.rows.map((r) => r.message.id)).toEqual([2, 3]);
    forget();
    told('sent', message(4, { to: 'operator' }));
    expect(log.flow.value.rows.map((r) => r.message.id)).toEqual([2, 3]);
  });

  test('goes on before the page that was read, also where it shows nothing of it', async () => {
    const asked: (number | null)[] = [];
    const log = new MessageLog(
      (before) => {
        asked.push(before);
        return page(before === null ? 301 : before - PAGE, before === null ? 500 : before - 1)();
      },
      () => true,
      ({ id }) => id < 200,
    );
    await log.page(false);
    expect([log.flow.value.rows.length, log.flow.value.hasOlder]).toEqual([0, true]);
    await log.page(true);
    expect(log.flow.value.rows[0]?.message.id).toBe(101);
    expect(asked).toEqual([null, 301]);
  });

  test('an event keeps what only the history tells of a delivery', async () => {
    const { store, told } = loaded();
    await store.log.place(false, async () => ({
      cursor: 'e-10',
      messages: [message(1, { leased_at: AT, leased_by: '57' })],
    }));
    told('acked', message(1, { acked_at: AT }));
    expect(store.flow.value.rows[0]?.message).toMatchObject({ leased_by: '57', acked_at: AT });
  });
});

describe('the message log after missed events', () => {
  /** A host with the messages of these ids, in pages. */
  const hostOf =
    (ids: readonly number[], rest: (id: number) => Partial<Message> = () => ({})) =>
    async (before: number | null) => ({
      cursor: 'e-10',
      messages: ids
        .filter((id) => before === null || id < before)
        .slice(-PAGE)
        .map((id) => message(id, rest(id))),
    });
  const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);
  let host = hostOf([]);
  const log = () => new MessageLog((before) => host(before));
  const idsOf = (of: MessageLog) => of.flow.value.rows.map(({ message: { id } }) => id);

  test('shows the newest page to a reader who follows', async () => {
    host = hostOf(upTo(10));
    const own = log();
    await own.page(false);
    host = hostOf(upTo(500));
    await own.again();
    expect(idsOf(own)).toEqual(upTo(500).slice(-PAGE));
    expect([own.unseen.value, own.flow.value.atHead]).toEqual([0, true]);
  });

  test('keeps the rows of a reader further up, reads them again, and counts the new ones', async () => {
    host = hostOf(upTo(300));
    const own = log();
    await own.page(false);
    await own.page(true);
    own.following.value = false;
    // Two were deleted, one was acknowledged, and three came.
    const left = upTo(303).filter((id) => id !== 5 && id !== 250);
    host = hostOf(left, (id) => (id === 7 ? { acked_at: AT } : {}));
    await own.again();
    expect(idsOf(own)).toEqual(left);
    expect(own.flow.value.rows.find(({ message: { id } }) => id === 7)?.message.acked_at).toBe(AT);
    expect([own.unseen.value, own.flow.value.atHead]).toEqual([3, true]);
  });

  test('leaves the gap to the newest page, where that begins behind the last row', async () => {
    host = hostOf(upTo(100));
    const own = log();
    await own.page(false);
    own.following.value = false;
    host = hostOf(upTo(100 + 3 * PAGE));
    await own.again();
    expect(idsOf(own)).toEqual(upTo(100));
    expect([own.unseen.value, own.flow.value.atHead]).toEqual([PAGE, false]);
    // Going to the newest shows them.
    await own.page(false);
    expect(idsOf(own).at(-1)).toBe(100 + 3 * PAGE);
    expect(own.unseen.value).toBe(0);
  });

  test('starts over with another database', async () => {
    host = hostOf(upTo(300));
    const own = log();
    await own.page(false);
    own.following.value = false;
    host = hostOf(upTo(4));
    await own.again();
    expect(idsOf(own)).toEqual(upTo(4));
  });

  test('counts a message once that comes while it reads', async () => {
    host = hostOf(upTo(10));
    const own = log();
    await own.page(false);
    own.following.value = false;
    host = hostOf(upTo(11));
    const under = own.again();
    own.changed('sent', message(11));
    await under;
    expect(idsOf(own)).toEqual(upTo(11));
    expect(own.unseen.value).toBe(1);
  });
});

describe('deleted messages', () => {
  const OLD = '2026-03-01T00:00:00.000Z';

  test('of a purged agent go from the log and the parked ones, up to the newest of then', async () => {
    const parked = { parked_at: AT, attempts: 3 };
    const { store, event } = load(new Messages(), eventsOf, { parked: [message(2, parked), message(3, parked)] });
    await store.log.place(false, async () => ({
      cursor: 'e-10',
      messages: [message(1), message(2, parked), message(3, { ...parked, to: 'carol' }), message(9)],
    }));
    store.snapshot({
      parked: [message(2, parked), message(3, { ...parked, to: 'carol' })],
      inbox: [],
      inbox_unread: 0,
    });
    event({ kind: 'messages_removed', removed: { to: 'bob', up_to: 5 } });
    expect(ids(store)).toEqual([3, 9]);
    expect(store.parked.value.map((m) => m.id)).toEqual([3]);
  });

  test('that were acknowledged long ago go, also from the inbox and from an answer under way', async () => {
    const done = message(1, { to: 'operator', acked_at: OLD });
    const { store, event } = load(new Messages(), eventsOf, { inbox: [done, message(2, { to: 'operator' })] });
    let arrive = (): void => {};
    const under = store.log.place(false, async () => {
      await new Promise<void>((r) => (arrive = r));
      return { cursor: 'e-10', messages: [done, message(2, { to: 'operator' }), message(3, { acked_at: AT })] };
    });
    event({ kind: 'messages_removed', removed: { acked_before: '2026-04-01T00:00:00Z' } });
    arrive();
    await under;
    expect(ids(store)).toEqual([2, 3]);
    expect(store.inbox.value.map((m) => m.id)).toEqual([2]);
  });
});
