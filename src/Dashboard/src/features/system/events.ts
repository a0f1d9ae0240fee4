import type { Handlers } from '../../stream/picture';
import type { HookStore } from './store';

export function eventsOf(hook: HookStore): Handlers {
  return { notify_hook_changed: (event) => hook.snapshot(event) };
}
