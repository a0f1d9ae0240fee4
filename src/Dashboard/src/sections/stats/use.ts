import { effect, signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { get } from '../../api/client';
import type { Stats, Window } from '../../api/types';
import { live, swarm } from '../../live';
import { WINDOWS } from '../../model/figures';
import { Statistics } from '../../model/statistics';

const KEY = 'hive.window';

/** How far back the figures look, the same for every view. */
export const shownWindow = signal<Window>(WINDOWS.find((known) => known === localStorage.getItem(KEY)) ?? '24h');

export function lookBack(window: Window): void {
  shownWindow.value = window;
  localStorage.setItem(KEY, window);
}

/** The sums of a window, of one agent or of all, kept near the truth as long as they are shown. */
export function useStatistics(window: Window, agent: string | null): Statistics {
  const [statistics] = useState(
    () =>
      new Statistics(
        window,
        (wanted, stopped) => get<Stats>(`/api/stats?window=${wanted}${agent === null ? '' : `&agent=${encodeURIComponent(agent)}`}`, stopped),
        () => document.visibilityState === 'visible',
      ),
  );
  useEffect(() => {
    const shown = () => statistics.shown();
    document.addEventListener('visibilitychange', shown);
    let [lastTurn, lastSync]: unknown[] = [];
    const forget = effect(() => {
      const turn = swarm.turns.value.find((told) => agent === null || told.agent === agent);
      // What happened while the page was cut off nobody tells of: after a new snapshot everything is read anew.
      const sync = live.sync.value;
      if (sync.state === 'synced' && (turn !== lastTurn || sync !== lastSync)) statistics.changed();
      [lastTurn, lastSync] = [turn, sync];
    });
    void statistics.read();
    return () => {
      document.removeEventListener('visibilitychange', shown);
      forget();
      statistics.stop();
    };
  }, [statistics]);
  useEffect(() => statistics.look(window), [statistics, window]);
  return statistics;
}
