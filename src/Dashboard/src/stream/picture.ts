import { batch, signal } from '@preact/signals';
import type { DashboardEvent, EventKind } from '../api/events';
import type { Snapshot } from '../api/types';
import { parseCursor } from './cursor';

/** A store's handlers of the events that it declares. */
export type Handlers = { [Kind in EventKind]?: (event: DashboardEvent<Kind>) => void };

/**
 * A feature's part of the page's picture: one snapshot, then events. Every row is whole, so an event applied twice
 * changes nothing.
 */
export interface Store {
  /** Takes its members of a new snapshot. */
  snapshot?(snapshot: Snapshot): void;
  readonly events?: Handlers;
  /** Reads data beside the snapshot; the page is live after this. */
  read?(stopped: AbortSignal): Promise<void>;
}

/** Applies snapshots and events to the stores that declare them, and knows where the stream goes on. */
export class Picture {
  readonly loaded = signal(false);
  readonly host = signal('');
  readonly hiveVersion = signal('');

  #epoch = '';
  #seq = -1;

  constructor(private readonly stores: readonly Store[]) {}

  /** The cursor from which the stream resumes. */
  get cursor(): string {
    return `${this.#epoch}-${this.#seq}`;
  }

  applySnapshot(snapshot: Snapshot): void {
    const at = parseCursor(snapshot.cursor);
    this.#epoch = at?.epoch ?? '';
    this.#seq = at?.seq ?? -1;
    batch(() => {
      this.host.value = snapshot.host;
      this.hiveVersion.value = snapshot.hive_version;
      for (const store of this.stores) store.snapshot?.(snapshot);
      this.loaded.value = true;
    });
  }

  /** Applies an event and says whether it was new to the page. Kinds that no store declares count as seen. */
  apply(id: string, event: DashboardEvent): boolean {
    const at = parseCursor(id);
    if (at === null || at.epoch !== this.#epoch || at.seq <= this.#seq) return false;
    this.#seq = at.seq;
    batch(() => {
      for (const store of this.stores) handle(store.events, event);
    });
    return true;
  }

  /** Reads the data that the snapshot does not hold. */
  async read(stopped: AbortSignal): Promise<void> {
    await Promise.all(this.stores.map((store) => store.read?.(stopped)));
  }
}

function handle<Kind extends EventKind>(handlers: Handlers | undefined, event: DashboardEvent<Kind>): void {
  const handler = handlers?.[event.kind as Kind] as ((event: DashboardEvent<Kind>) => void) | undefined;
  handler?.(event);
}
