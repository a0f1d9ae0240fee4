import { effect, signal } from '@preact/signals';
import type { Preferences } from '../api/types';
import { labelSet } from './labels';

/** The page's choices until it knows those that the Hive has. */
const DEFAULTS: Preferences = {
  theme: 'system',
  labels: 'wired',
  labels_chosen: false,
  density: 'normal',
  undo_seconds: 5,
  keys: {},
  notify: { now: 'notify', soon: 'count', fyi: 'silent' },
  sound: false,
  scanlines: true,
  starred: [],
  notify_kinds: {},
  muted: [],
};

export const preferences = signal<Preferences>(DEFAULTS);

export const applyPreferences = (changed: Partial<Preferences>): void => {
  preferences.value = { ...preferences.peek(), ...changed };
};

/** Keeps the document's attributes, which the style sheets read, true to the preferences. */
export function followPreferences(): void {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', showThemeColour);
  effect(() => {
    const { theme, labels, density, scanlines } = preferences.value;
    const root = document.documentElement.dataset;
    root.theme = theme;
    root.labels = labels;
    root.density = density;
    root.scanlines = scanlines ? 'on' : 'off';
    labelSet.value = labels;
    showThemeColour();
  });
}

/** The browser's own bars have the page's colour. */
function showThemeColour(): void {
  const colour = getComputedStyle(document.documentElement).backgroundColor;
  const meta = document.querySelector<HTMLMetaElement>('meta[name="theme-color"]');
  if (meta !== null) meta.content = colour;
}

/** The preferences that the host wrote into the document: the first paint has them. */
export function readDocument(): void {
  const { theme, labels, density, scanlines } = document.documentElement.dataset;
  applyPreferences({
    ...(theme === 'dark' || theme === 'light' ? { theme } : {}),
    ...(labels === 'plain' ? { labels } : {}),
    ...(density === 'compact' ? { density } : {}),
    ...(scanlines === 'off' ? { scanlines: false } : {}),
  });
}
