import { signal } from '@preact/signals';
import type { ComponentChild, ComponentType } from 'preact';
import { parse } from 'regexparam';
import type { Agent, Waiting } from '../api/types';
import type { Action } from './action';
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
    /** The number beside the place; null for nothing. */
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

/** An action that takes a text, such as a denial with its reason: the box opens with its key. */
export interface WithText {
  id: string;
  label: Wired;
  of: string;
  key?: KeyName;
  weight?: NonNullable<Action['weight']>;
  /** The name of its draft. */
  target: string;
  placeholder: string;
  /** It may be sent without a text. */
  optional?: boolean;
  /** The thing that is sent, for the words of its limit: `an answer`. */
  what: string;
  /** The rest that goes with the text, such as `3 comments`. */
  along?: string;
  /** Makes the text that is sent, where the typed one is not sent as it is. */
  bodyOf?: (text: string) => string;
  /** Its reader: an agent, or `*` where that is not known. */
  reader: string;
  /** The reason why a text cannot be sent, besides its limit, such as an unknown command. */
  faultOf?: (text: string) => string | null;
  /** Sends the body of a text. */
  action: (body: string, text?: string) => Action;
}

/** The page's own part of a waiting thing, beside its title. */
export interface WaitingDetail {
  row: Waiting;
  /** Does an action, and goes on to the next thing. */
  decide: (action: Action) => Promise<boolean>;
  /** Goes on to the next thing, after this one was decided by the text <sent>. */
  decided: (sent: string) => void;
}

/** A list beside what waits, drawn the same way, such as the questions between agents. */
export interface BesideWaiting {
  /** Its part of the address. */
  name: string;
  order: number;
  label: string;
  rows: () => readonly Waiting[];
  /** The words while it is empty. */
  empty: string;
}

/** A kind of waiting thing: one file in `waiting/`. The page shows a kind without a file by its title and its link. */
export interface WaitingKind {
  kind: string;
  /** Its name in a list: `question`. */
  name: string;
  /** The agent's act, after its name: `asks you`. */
  does?: (row: Waiting) => string;
  view?: Later<ComponentType<WaitingDetail>>;
  /** The target of the draft that is written for it. */
  draft?: (row: Waiting) => string;
  actions?: (row: Waiting) => readonly Action[];
  withText?: (row: Waiting) => readonly WithText[];
  beside?: BesideWaiting;
}

/** The next question of the palette: a choice among entries, or a text. */
export interface Step {
  /** The question: `To whom?` */
  title: string;
  /** Entries for the typed text; the palette filters and ranks them. */
  entries?: (typed: string) => readonly Command[];
  /** The action that the text is for; <act> does it where more than the action follows. */
  text?: WithText & { act?: (action: Action) => Promise<boolean> };
}

/** An entry of the palette. */
export interface Command {
  id: string;
  /** The effect in plain words; the palette also finds the wired spelling of <label>. */
  title: string;
  label?: Wired;
  /** Where it belongs: places, agents, the selected thing, settings. */
  group: string;
  /** More words that find it, such as `halt` for stopping. */
  words?: string;
  /** A thing found by words that somebody wrote, such as a message: it comes after the commands. */
  found?: true;
  key?: KeyName;
  run?: () => unknown;
  /** Asks for an argument instead. */
  asks?: () => Step;
}

/** Entries for what has been typed: one file in `commands/` exports one. */
export interface CommandSource {
  order: number;
  /** Entries; all of them without a text. The palette filters and ranks them. */
  entries: (typed: string) => readonly Command[];
}

/** The question that the palette is to ask; null without one. */
export const asked = signal<Step | null>(null);

/** Has the palette ask for something. */
export const askPalette = (step: Step): void => {
  asked.value = step;
};

export const places = signal<readonly Place[]>([]);
export const agentTabs = signal<readonly AgentTab[]>([]);
export const commandSources = signal<readonly CommandSource[]>([]);
export const waitingKinds = signal<readonly WaitingKind[]>([]);

/** The kind of a waiting thing; null for one that this page does not know. */
export const waitingKind = (kind: string): WaitingKind | null =>
  waitingKinds.value.find((known) => known.kind === kind) ?? null;

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
