import { go } from '../../ui/link';
import { chime, notify } from '../../ui/notify';
import { preferences } from '../../ui/preferences';
import { waitingKind } from '../../ui/registry';
import { tell } from '../../ui/told';
import { kindName } from './row';
import type { WaitingRows } from './store';
import { type Heard, type Level, Telling } from './telling';

/** Tells the operator of what begins to wait, in this tab or another one of this browser. */
export function tellOf(rows: WaitingRows): void {
  const others = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('hive-told');
  const isVisible = () => document.visibilityState === 'visible' && document.hasFocus();
  const telling = new Telling({
    isVisible,
    levelOf: (urgency) => (preferences.peek().notify as Record<string, Level>)[urgency] ?? 'silent',
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
  if (others !== null) others.onmessage = ({ data }: MessageEvent<Heard>) => telling.heard(data);
  document.addEventListener('visibilitychange', () => {
    if (isVisible()) telling.looked();
  });
}
