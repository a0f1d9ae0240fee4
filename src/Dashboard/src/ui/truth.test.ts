import { describe, expect, test } from 'vitest';
import { describe as truth } from './truth';

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
    expect(truth({ state: 'reconnecting', since: 1, nextTryAt: 2, reason: 'gone' }, synced)).toMatchObject({
      state: 'reconnecting',
      since: 1,
      nextTryAt: 2,
      detail: 'gone',
      canRetry: true,
    });
    expect(truth({ state: 'cannot', reason: 'no' }, synced)).toMatchObject({
      state: 'cannot',
      detail: 'no',
      canRetry: true,
    });
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
