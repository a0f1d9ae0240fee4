import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Waiting } from '../../api/types';
import { applyPreferences } from '../../ui/preferences';

const close = vi.hoisted(() => vi.fn());
vi.mock('../../ui/notify', () => ({ notify: () => close, chime: () => {} }));

const { WaitingRows } = await import('./store');
const { tellOf } = await import('./tell-of');

const row = { key: 'question-1', kind: 'question', id: '1', title: 'Ship it?', urgency: 'now' } as Waiting;
let heard: Map<string, () => void>;
let page: {
  visibilityState: string;
  hasFocus: () => boolean;
  addEventListener: (name: string, run: () => void) => void;
};

beforeEach(() => {
  vi.useFakeTimers();
  close.mockClear();
  heard = new Map();
  page = {
    visibilityState: 'visible',
    // The operator is in another window.
    hasFocus: () => false,
    addEventListener: (name, run) => heard.set(name, run),
  };
  vi.stubGlobal('document', page);
  vi.stubGlobal('addEventListener', page.addEventListener);
  vi.stubGlobal('BroadcastChannel', undefined);
  applyPreferences({ notify: { now: 'notify', soon: 'count', fyi: 'silent' } } as never);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test.each(['focus', 'visibilitychange'])(
  'a notification is taken back when the operator returns: %s',
  async (event) => {
    const rows = new WaitingRows();
    tellOf(rows);
    rows.onNew([row]);
    await vi.advanceTimersByTimeAsync(1_000);
    page.visibilityState = 'hidden';
    heard.get(event)?.();
    expect(close).not.toHaveBeenCalled();
    page.visibilityState = 'visible';
    heard.get(event)?.();
    expect(close).toHaveBeenCalledOnce();
  },
);
