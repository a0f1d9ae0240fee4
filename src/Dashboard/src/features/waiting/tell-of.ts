import { effect } from '@preact/signals';
import { go } from '../../ui/link';
import { chime, notify } from '../../ui/notify';
import { preferences } from '../../ui/preferences';
import { waitingKind } from '../../ui/registry';
import { tell } from '../../ui/told';
import { levelOf } from './levels';
import { kindName } from './row';
import type { WaitingRows } from './store';
import { type Heard, Telling } from './telling';

/** Tells the operator of what begins to wait, in this tab or another one of this browser. */
export function tellOf(rows: WaitingRows): void {
  const others = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('hive-told');
  const isVisible = () => document.visibilityState === 'visible' && document.hasFocus();
  let muted: ReadonlySet<string> = new Set(preferences.peek().muted);
  const telling = new Telling({
    isVisible,
    levelOf: (row) => (row.agent != null && muted.has(row.agent) ? 'silent' : levelOf(row, preferences.peek())),
    show: (note) => notify(note, () => go(note.to)),
    say: tell,
    sound: () => {
      if (preferences.peek().sound) chime();
    },
    post: (heard) => others?.postMessage(heard),
    titleOf: (row) => `${row.agent ?? 'Hive'} ${waitingKind(row.kind)?.does?.(row) ?? kindName(row)}`,
  });
  rows.onNew = (added) => telling.arrived(added);
  rows.onGone = (keys) => telling.gone(keys);
  // The notifications of an agent that has just been muted are taken back.
  effect(() => {
    const before = muted;
    muted = new Set(preferences.value.muted);
    const silenced = rows.all.peek().filter(({ agent }) => agent != null && muted.has(agent) && !before.has(agent));
    if (silenced.length > 0) telling.gone(silenced.map(({ key }) => key));
  });
  if (others !== null) others.onmessage = ({ data }: MessageEvent<Heard>) => telling.heard(data);
  // Back from another window the page was visible all the time; back from another tab the focus comes later.
  const looked = () => {
    if (document.visibilityState === 'visible') telling.looked();
  };
  document.addEventListener('visibilitychange', looked);
  addEventListener('focus', looked);
}
