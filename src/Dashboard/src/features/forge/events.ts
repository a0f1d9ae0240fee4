import type { Handlers } from '../../stream/picture';
import type { ForgeStore } from './store';

export function eventsOf(forge: ForgeStore): Handlers {
  return { forge_changed: (event) => forge.snapshot(event) };
}
