import { STRANGER } from '../api/proof';
import type { Connection } from '../stream/feed';
import type { Sync } from '../stream/sync';
import type { Wired } from './labels';
import { clock } from './text/time';

export interface Truth {
  state: 'connecting' | 'live' | 'reconnecting' | 'stranger' | 'resyncing' | 'resynced' | 'signed_out' | 'cannot';
  glyph: string;
  label: Wired;
  plain: string;
  tone: 'good' | 'warn' | 'bad' | 'info';
  detail: string;
  since: number | null;
  nextTryAt: number | null;
  canRetry: boolean;
}

/** The state of the page from its two halves, stream and snapshot: it is live only when both are. */
export function describe(connection: Connection, sync: Sync): Truth {
  const none = { detail: '', since: null, nextTryAt: null, canRetry: false };
  if (connection.state === 'signed_out')
    return { ...none, state: 'signed_out', glyph: '✗', label: 'S1GN3D 0UT', plain: 'Signed out', tone: 'bad' };
  if (connection.state === 'cannot' || sync.state === 'cannot') {
    const reason = connection.state === 'cannot' ? connection.reason : sync.state === 'cannot' ? sync.reason : '';
    return {
      ...none,
      state: 'cannot',
      glyph: '✗',
      label: 'C4NN0T',
      plain: `Cannot load live data: ${reason}`,
      tone: 'bad',
      detail: reason,
      canRetry: true,
    };
  }
  const waits = sync.state === 'waiting' && sync.stranger ? { since: null, nextTryAt: sync.nextTryAt } : null;
  const stranger = connection.state === 'stranger' ? connection : connection.state === 'reconnecting' ? null : waits;
  if (stranger !== null)
    return {
      state: 'stranger',
      glyph: '✗',
      label: 'N0T Y0UR H1V3',
      plain: STRANGER,
      tone: 'bad',
      detail: 'another program answers here; nothing was sent to it',
      since: stranger.since,
      nextTryAt: stranger.nextTryAt,
      canRetry: true,
    };
  if (connection.state === 'reconnecting')
    return {
      state: 'reconnecting',
      glyph: '↻',
      label: 'R3C0NN3CT1NG',
      plain: `Reconnecting: ${connection.reason}. The page may be out of date.`,
      tone: 'warn',
      detail: connection.reason,
      since: connection.since,
      nextTryAt: connection.nextTryAt,
      canRetry: true,
    };
  if (sync.state === 'waiting')
    return {
      state: sync.again ? 'resyncing' : 'connecting',
      glyph: '↻',
      label: sync.again ? 'R3SYNC1NG' : 'C0NN3CT1NG',
      plain: sync.again ? 'Some events are missing; loading everything again.' : `Connecting: ${sync.reason}`,
      tone: 'warn',
      detail: sync.reason,
      since: null,
      nextTryAt: sync.nextTryAt,
      canRetry: true,
    };
  if (connection.state === 'connecting' || sync.state === 'loading')
    return { ...none, state: 'connecting', glyph: '◌', label: 'C0NN3CT1NG', plain: 'Connecting', tone: 'info' };
  if (sync.resyncedAt !== null) {
    const at = clock(new Date(sync.resyncedAt).toISOString(), sync.resyncedAt);
    return {
      ...none,
      state: 'resynced',
      glyph: '●',
      label: 'L1VE',
      plain: `Live, loaded again at ${at}`,
      tone: 'good',
      detail: `resynced ${at}`,
    };
  }
  return { ...none, state: 'live', glyph: '●', label: 'L1VE', plain: 'Live', tone: 'good' };
}
