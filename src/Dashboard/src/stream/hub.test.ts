import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fakeCrypto } from '../test/fake-crypto';
import { FakeHost } from '../test/fake-host';
import { parseCursor } from './cursor';
import { StreamHub, type ToTab, UNANSWERED } from './hub';

let host: FakeHost;
let hub: StreamHub;

beforeEach(() => {
  vi.useFakeTimers();
  host = new FakeHost();
  fakeCrypto();
  vi.stubGlobal('fetch', host.fetch);
  hub = new StreamHub();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const settle = () => vi.advanceTimersByTimeAsync(0);

/** A tab that does what the page does: a snapshot now, then the events behind it; after a resync a new snapshot. */
class Tab {
  readonly got: ToTab[] = [];
  /** Every event it has seen by snapshot or stream. */
  readonly knows = new Set<string>();
  snapshots = 0;
  answers = true;
  #epoch = '';
  #seq = 0;

  readonly port = {
    postMessage: (message: ToTab) => {
      this.got.push(message);
      if (message.type === 'resync') this.snapshot();
      if (message.type === 'probe' && this.answers) hub.receive(this.port, { type: 'alive' });
      if (message.type === 'lost') this.attach();
      if (message.type !== 'events') return;
      for (const e of message.events) {
        const at = parseCursor(e.id);
        if (at === null || at.epoch !== this.#epoch || at.seq <= this.#seq) continue;
        // The proof: what comes next is what follows what it has.
        expect(at.seq).toBe(this.#seq + 1);
        this.#seq = at.seq;
        this.knows.add(e.id);
      }
    },
  };

  snapshot(): this {
    this.snapshots++;
    [this.#epoch, this.#seq] = [host.epoch, host.seq];
    for (let i = 1; i <= host.seq; i++) this.knows.add(`${host.epoch}-${i}`);
    return this;
  }

  attach(): this {
    hub.receive(this.port, { type: 'attach', key: 'key', cursor: `${this.#epoch}-${this.#seq}` });
    return this;
  }

  bye(): void {
    hub.receive(this.port, { type: 'bye' });
  }

  get isCurrent(): boolean {
    return this.#epoch === host.epoch && this.#seq === host.seq;
  }
}

test('many tabs hold one stream, and it ends with the last of them', async () => {
  const tabs = Array.from({ length: 12 }, () => new Tab().snapshot().attach());
  await settle();
  host.emit();
  await settle();
  expect(host.connections).toBe(1);
  expect(host.opened).toHaveLength(1);
  expect(tabs.every((tab) => tab.isCurrent)).toBe(true);
  for (const tab of tabs) tab.bye();
  await settle();
  expect(host.connections).toBe(0);
});

test('events between a new tab’s snapshot and its joining are not lost', async () => {
  new Tab().snapshot().attach();
  await settle();
  const late = new Tab().snapshot();
  host.emit();
  host.emit();
  await settle();
  late.attach();
  host.emit();
  await settle();
  expect(late.isCurrent).toBe(true);
  expect(late.snapshots).toBe(1);
});

test('a snapshot that is ahead of the stream sees nothing twice and misses nothing', async () => {
  new Tab().snapshot().attach();
  await settle();
  host.emit();
  const ahead = new Tab().snapshot().attach();
  await settle();
  host.emit();
  await settle();
  expect(ahead.isCurrent).toBe(true);
});

test('only a tab whose snapshot is too old is told to resync', async () => {
  const slow = new Tab().snapshot();
  host.emit();
  const first = new Tab().snapshot().attach();
  await settle();
  slow.attach();
  await settle();
  host.emit();
  await settle();
  expect(slow.snapshots).toBe(2);
  expect(first.snapshots).toBe(1);
  expect(slow.isCurrent && first.isCurrent).toBe(true);
});

test('what is kept is bounded, and past the bound a late tab resyncs', async () => {
  new Tab().snapshot().attach();
  await settle();
  const late = new Tab().snapshot();
  for (let i = 0; i < 9000; i++) host.emit();
  await settle();
  late.attach();
  await settle();
  host.emit();
  await settle();
  expect(late.snapshots).toBe(2);
  expect(late.isCurrent).toBe(true);
});

test('a restart of the host makes every tab resync once', async () => {
  const old = [new Tab().snapshot().attach(), new Tab().snapshot().attach()];
  await settle();
  host.restart();
  const fresh = new Tab().snapshot().attach();
  await vi.advanceTimersByTimeAsync(2000);
  host.emit();
  await settle();
  expect([...old, fresh].every((tab) => tab.isCurrent)).toBe(true);
  expect(old.map((tab) => tab.snapshots)).toEqual([2, 2]);
});

test('a snapshot of a past run is noticed', async () => {
  const stale = new Tab().snapshot();
  host.restart();
  new Tab().snapshot().attach();
  await settle();
  stale.attach();
  await settle();
  host.emit();
  await settle();
  expect(stale.isCurrent).toBe(true);
  expect(stale.snapshots).toBe(2);
  expect(host.connections).toBe(1);
});

test('a tab without answers is dropped, and rejoins without a gap', async () => {
  const awake = new Tab().snapshot().attach();
  const frozen = new Tab().snapshot().attach();
  frozen.answers = false;
  await settle();
  for (let i = 0; i < UNANSWERED; i++) {
    host.ping();
    await settle();
  }
  expect(hub.tabs).toBe(2);
  host.ping();
  await settle();
  expect(hub.tabs).toBe(1);
  host.emit();
  await settle();
  expect(frozen.isCurrent).toBe(false);
  frozen.answers = true;
  hub.receive(frozen.port, { type: 'alive' });
  await settle();
  expect(frozen.isCurrent && awake.isCurrent).toBe(true);
  expect(frozen.snapshots).toBe(1);
});

test('a long outage drops no tab', async () => {
  const tab = new Tab().snapshot().attach();
  await settle();
  host.status = 0;
  host.drop();
  await vi.advanceTimersByTimeAsync(600_000);
  host.status = 200;
  await vi.advanceTimersByTimeAsync(16_000);
  host.ping();
  host.emit();
  await settle();
  expect(tab.isCurrent).toBe(true);
});

test('after a refused key, a tab with a new one brings the stream back for all', async () => {
  const first = new Tab().snapshot().attach();
  await settle();
  host.keys.known.clear();
  host.drop();
  await vi.advanceTimersByTimeAsync(2000);
  expect(first.got.at(-1)).toEqual({ type: 'connection', connection: { state: 'signed_out' } });
  host.keys.known.add('new');
  host.emit();
  const second = new Tab().snapshot();
  hub.receive(second.port, { type: 'attach', key: 'new', cursor: host.cursor });
  await settle();
  expect(first.isCurrent && second.isCurrent).toBe(true);
});

test('in any order of events, no tab has a gap', async () => {
  // A small generator of its own, so that a failing history can be played again by its number.
  const random = (seed: number) => () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  for (let history = 0; history < 150; history++) {
    const next = random(history);
    host = new FakeHost();
    vi.stubGlobal('fetch', host.fetch);
    hub = new StreamHub();
    const waiting: Tab[] = [];
    let tabs: Tab[] = [];
    for (let step = 0; step < 60; step++) {
      const what = Math.floor(next() * 10);
      if (what < 4) for (let i = 0; i <= next() * 5; i++) host.emit();
      else if (what === 4) waiting.push(new Tab().snapshot());
      else if (what === 5) tabs.push(...waiting.splice(0).map((tab) => tab.attach()));
      else if (what === 6) for (const tab of tabs.splice(0, next() < 0.5 ? 1 : 0)) tab.bye();
      else if (what === 7) host.drop();
      else if (what === 8 && next() < 0.3) host.restart();
      else await vi.advanceTimersByTimeAsync(next() < 0.5 ? 0 : 1500);
    }
    tabs = [...tabs, ...waiting.map((tab) => tab.attach())];
    for (let pings = 0; pings < 10; pings++) {
      await vi.advanceTimersByTimeAsync(4_000);
      host.ping();
    }
    host.emit();
    await settle();
    expect(
      tabs.map((tab) => tab.isCurrent),
      `history ${history}`,
    ).toEqual(tabs.map(() => true));
    expect(host.connections, `history ${history}`).toBe(tabs.length > 0 ? 1 : 0);
    for (const tab of tabs) tab.bye();
  }
}, 30_000);
