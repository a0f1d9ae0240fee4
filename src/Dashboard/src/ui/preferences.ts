import { effect, signal } from '@preact/signals';
import { labelSet } from './labels';

/** What the operator has chosen. The Hive keeps it, so that every browser has it. */
export interface Preferences {
  theme: 'system' | 'dark' | 'light';
  labels: 'wired' | 'plain';
  /** Whether the operator has chosen between the two sets of labels. */
  labels_chosen: boolean;
  density: 'normal' | 'compact';
  /** Seconds for which the page holds what cannot be taken back. */
  undo_seconds: 0 | 5 | 10;
  /** Keys of commands that differ from the page's table; an empty text switches the command's key off. */
  keys: Record<string, string>;
  notify: Record<string, 'notify' | 'count' | 'silent'>;
  sound: boolean;
  scanlines: boolean;
  starred: string[];
}

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
};

export const preferences = signal<Preferences>(DEFAULTS);

export const applyPreferences = (changed: Partial<Preferences>): void => {
  preferences.value = { ...preferences.peek(), ...changed };
};

/** Keeps the document's attributes, which the style sheets read, true to the preferences. */
export function followPreferences(): void {
  effect(() => {
    const { theme, labels, density, scanlines } = preferences.value;
    const root = document.documentElement.dataset;
    root.theme = theme;
    root.labels = labels;
    root.density = density;
    root.scanlines = scanlines ? 'on' : 'off';
    labelSet.value = labels;
  });
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
