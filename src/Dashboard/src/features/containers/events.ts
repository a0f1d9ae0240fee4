import type { Handlers } from '../../stream/picture';
import type { Containers } from './store';

export function eventsOf(containers: Containers): Handlers {
  return {
    container_state_changed: ({ container }) => containers.put(container),
    container_removed: ({ name }) => containers.remove(name),
    transient_set: ({ transient }) => containers.begin(transient),
    transient_cleared: ({ name }) => containers.clear(name),
  };
}
