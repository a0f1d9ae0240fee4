import { effect, signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { answerOf, api } from '../../api/client';
import { live } from '../../ui/live';
import type { Window } from './figures';
import { WINDOWS } from './figures';
import { Statistics } from './statistics';
import { turns } from './store';

const KEY = 'hive.window';

/** The window that every page shows. */
export const shownWindow = signal<Window>(stored() ?? '24h');

export function chooseWindow(window: Window): void {
  shownWindow.value = window;
  try {
    localStorage.setItem(KEY, window);
  } catch {
    // The storage is full or forbidden: only a reload forgets the window.
  }
}

function stored(): Window | undefined {
  try {
    const kept = localStorage.getItem(KEY);
    return WINDOWS.find((known) => known === kept);
  } catch {
    return undefined;
  }
}

/** The sums of a window, of one agent or of all, kept fresh while they are shown. */
export function useStatistics(window: Window, agent: string | null): Statistics {
  const [statistics] = useState(
    () =>
      new Statistics(
        window,
        (wanted, stopped) =>
          answerOf(
            api.GET('/api/stats', {
              params: { query: { window: wanted, ...(agent === null ? {} : { agent }) } },
              signal: stopped,
            }),
          ),
        () => document.visibilityState === 'visible',
      ),
  );
  useEffect(() => {
    const shown = () => statistics.shown();
    document.addEventListener('visibilitychange', shown);
    let [lastTurn, lastSync]: unknown[] = [];
    const forget = effect(() => {
      const turn = turns.all.value.find((told) => agent === null || told.agent === agent);
      // Turns that ended while the page was disconnected bring no event: after a new snapshot everything is read again.
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
  useEffect(() => statistics.show(window), [statistics, window]);
  return statistics;
}
