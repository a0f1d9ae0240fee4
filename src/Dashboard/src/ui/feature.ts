import { type ReadonlySignal, signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import type { Agent } from '../api/types';
import type { Store } from '../stream/picture';
import type { Completer } from './completer';
import type { Part } from './part';
import type { Later } from './registry';

/** Something with a place among others of its kind, the lowest order first. */
export interface Ordered<T> {
  order: number;
  view: T;
}

/** A feature's contributions to the page. The shell's list names every feature once. */
export interface Feature {
  name: string;
  store?: Store;
  /** The number of things that wait for the operator; the title of the window has the sum. */
  waiting?: ReadonlySignal<number>;
  /** The views of the side panel, by the kind in `?open=kind:name`. */
  panels?: Readonly<Record<string, Later<ComponentType<{ name: string }>>>>;
  /** Figures of the top bar. */
  topBar?: readonly Ordered<ComponentType>[];
  /** Lies over every place, such as a dialog. */
  layers?: readonly Ordered<ComponentType>[];
  /** Stands below the places in the navigation, such as starred agents. */
  besideNav?: readonly Ordered<ComponentType>[];
  /** Stands below every place, such as the box to write in. */
  bottom?: readonly Ordered<ComponentType>[];
  /** Completions of words in every box that text is written in. */
  completers?: readonly Completer[];
  /** Badges on an agent's row. */
  agentBadges?: readonly Ordered<ComponentType<{ agent: Agent }>>[];
  /** Code that the first view does not need. */
  parts?: readonly Part<unknown>[];
}

/** The features of this page, as the shell lists them. */
export const features = signal<readonly Feature[]>([]);

/** The contributions of all features of one kind, in order. */
export function inOrder<T extends { order: number }>(of: (feature: Feature) => readonly T[] | undefined): T[] {
  return features.value.flatMap((feature) => of(feature) ?? []).toSorted((a, b) => a.order - b.order);
}
