import type { Waiting } from '../../api/types';
import { visible } from '../../ui/text/visible';
import type { Level } from './levels';

/** A notification on the operator's desktop. */
export interface Note {
  title: string;
  body: string;
  /** Several tabs that show the same one show it once. */
  tag: string;
  /** Where a click leads. */
  to: string;
}

/** The parts of the browser that telling needs. */
export interface Ears {
  isVisible: () => boolean;
  /** How the operator wants to be told of a thing now. */
  levelOf: (row: Waiting) => Level;
  /** Shows a notification; returns how it is taken back. */
  show: (note: Note) => () => void;
  /** Has it read out. */
  say: (words: string) => void;
  sound: () => void;
  /** Tells the browser's other tabs. */
  post: (heard: Heard) => void;
  /** The words for a thing: who does what. */
  titleOf: (row: Waiting) => string;
}

/** The messages of tabs to one another: a tab takes on telling of these things, or the operator looks at it. */
export type Heard = { told: readonly string[]; by: string } | { looked: true };

/** At most one notification in this time. */
export const APART_MS = 10_000;
/**
 * Other tabs get the same event. The first one says that it tells, and tells after a moment; browsers align the timers
 * of hidden tabs, so of several that say so at once the one with the lowest name does. A visible tab comes first.
 */
const VISIBLE_MS = 50;
const HIDDEN_MS = 400;
const CLAIM_MS = 100;

/**
 * Tells the operator of things that have begun to wait: by a notification while no tab is in view, else by a sentence.
 * One at a time, and several within ten seconds as a number. What was decided, or what another tab has told, is taken
 * back.
 */
export class Telling {
  #queue = new Map<string, Waiting>();
  /** The things that this tab has said it tells of. */
  #claimed = new Map<string, Waiting>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #toldAt = Number.NEGATIVE_INFINITY;
  /** The notice that is shown now, and how it is taken back. */
  readonly #shown = new Map<string, { keys: Set<string>; close: () => void }>();

  constructor(
    private readonly ears: Ears,
    private readonly name = Math.random().toString(36).slice(2),
  ) {}

  arrived(rows: readonly Waiting[]): void {
    for (const row of rows) if (this.ears.levelOf(row) !== 'silent') this.#queue.set(row.key, row);
    this.#wait();
  }

  #wait(): void {
    if (this.#queue.size === 0 || this.#timer !== null) return;
    const soonest = this.ears.isVisible() ? VISIBLE_MS : HIDDEN_MS;
    const wait = Math.max(soonest, this.#toldAt + APART_MS - Date.now());
    this.#timer = setTimeout(() => this.#claim(), wait);
  }

  /** These things wait no longer. */
  gone(keys: readonly string[]): void {
    for (const key of keys) {
      this.#queue.delete(key);
      this.#claimed.delete(key);
      for (const [tag, { keys: of, close }] of this.#shown) {
        if (!of.delete(key) || of.size > 0) continue;
        close();
        this.#shown.delete(tag);
      }
    }
  }

  /** The operator looks at this tab. */
  looked(): void {
    this.#closeAll();
    this.ears.post({ looked: true });
  }

  /** Another tab has told of things, or is looked at. */
  heard(heard: Heard): void {
    if ('looked' in heard) this.#closeAll();
    else {
      this.#toldAt = Date.now();
      for (const key of heard.told) {
        this.#queue.delete(key);
        if (heard.by < this.#rank) this.#claimed.delete(key);
      }
    }
  }

  get #rank(): string {
    return `${this.ears.isVisible() ? 0 : 1}${this.name}`;
  }

  #claim(): void {
    this.#timer = null;
    if (this.#queue.size === 0) return;
    this.#claimed = this.#queue;
    this.#queue = new Map();
    this.ears.post({ told: [...this.#claimed.keys()], by: this.#rank });
    this.#timer = setTimeout(() => this.#tell(), CLAIM_MS);
  }

  #tell(): void {
    this.#timer = null;
    // Things that the operator has silenced in the meantime stay untold.
    const rows = [...this.#claimed.values()].filter((row) => this.ears.levelOf(row) !== 'silent');
    this.#claimed = new Map();
    if (rows.length > 0) {
      this.#toldAt = Date.now();
      this.#tellOf(rows);
    }
    this.#wait();
  }

  #tellOf(rows: readonly Waiting[]): void {
    const loud = rows.filter((row) => this.ears.levelOf(row) === 'notify');
    if (loud.length > 0) this.ears.sound();
    if (this.ears.isVisible()) {
      // Not each of them waits: an agent may have written a line.
      this.ears.say(rows.length === 1 ? visible(this.ears.titleOf(rows[0] as Waiting)) : `${rows.length} more for you`);
      return;
    }
    if (loud.length === 0) return;
    const note = this.#noteOf(loud);
    const close = this.ears.show(note);
    this.#shown.set(note.tag, { keys: new Set(loud.map(({ key }) => key)), close });
  }

  #noteOf(rows: readonly Waiting[]): Note {
    const [row] = rows;
    if (row !== undefined && rows.length === 1)
      return {
        title: visible(this.ears.titleOf(row)),
        body: visible(row.title),
        tag: `hive-${row.key}`,
        to: `/waiting/${encodeURIComponent(row.key)}`,
      };
    return {
      title: `${rows.length} things for you`,
      body: visible(rows.map((one) => this.ears.titleOf(one)).join('\n')),
      tag: 'hive-many',
      to: '/waiting',
    };
  }

  #closeAll(): void {
    for (const { close } of this.#shown.values()) close();
    this.#shown.clear();
  }
}
