import { signal } from '@preact/signals';
import type { ComponentChild, ComponentType } from 'preact';
import { parse } from 'regexparam';
import type { Agent } from '../api/types';
import type { KeyName } from './keys';
import type { Wired } from './labels';
import type { Part } from './part';

/** The names in a place's address, such as an agent's. */
export type Params = Readonly<Record<string, string>>;

/** Code that is there at once, or that is fetched once the host has proved itself. */
export type Later<T> = T | Part<T>;

/** A place of the page: one file in `places/`. */
export interface Place {
  /** Its address with names, such as `/agents/:name/:tab?`. */
  address: string;
  /** Its name in the window's title. */
  title: (params: Params) => string;
  /** Its link in the navigation. */
  nav?: {
    order: number;
    to: string;
    label: Wired;
    key: KeyName;
    /** One character, drawn where the navigation is narrow. */
    glyph: string;
    /** What it counts; null for nothing. */
    count?: () => ComponentChild;
    /** On a phone: in the bar, not behind ⋯. */
    bar?: boolean;
  };
  /** Words that the palette finds it by, besides its labels. */
  words?: string;
  view: Later<ComponentType<{ params: Params }>>;
}

/** A tab of an agent's place: one file in `tabs/`. */
export interface AgentTab {
  /** Its part of the address. */
  name: string;
  order: number;
  label: Wired;
  /** A number beside its label. */
  count?: (agent: Agent) => ComponentChild;
  view: Later<ComponentType<{ agent: Agent; rest: string | undefined }>>;
}

/** An entry of the palette. */
export interface Command {
  id: string;
  /** What it does, in plain words; the palette also finds the wired spelling of <label>. */
  title: string;
  label?: Wired;
  /** Where it belongs: places, agents, the selected thing, settings. */
  group: string;
  key?: KeyName;
  run: () => unknown;
}

/** Entries for what has been typed: one file in `commands/` exports one. */
export interface CommandSource {
  order: number;
  /** Entries; all of them without a text. The palette filters and ranks them. */
  entries: (typed: string) => readonly Command[];
}

export const places = signal<readonly Place[]>([]);
export const agentTabs = signal<readonly AgentTab[]>([]);
export const commandSources = signal<readonly CommandSource[]>([]);

/** The place of a path and the names in the path; null for no place's path. */
export function placeAt(path: string): { place: Place; params: Params } | null {
  for (const place of places.value) {
    const { keys, pattern } = parse(place.address);
    const found = pattern.exec(path);
    if (found === null) continue;
    const params: Record<string, string> = {};
    for (const [i, key] of keys.entries()) {
      const value = found[i + 1];
      if (value !== undefined) params[key] = decoded(value);
    }
    return { place, params };
  }
  return null;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The window's title at a path. */
export function titleAt(path: string): string {
  const found = placeAt(path);
  if (found === null) return 'no such place · HIVE';
  const title = found.place.title(found.params);
  return title === '' ? 'HIVE' : `${title} · HIVE`;
}
