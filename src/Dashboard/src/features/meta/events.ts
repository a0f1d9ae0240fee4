import type { Handlers } from '../../stream/picture';
import type { MetaInputs } from './store';

export function eventsOf(inputs: MetaInputs): Handlers {
  return { meta_inputs_changed: (event) => inputs.snapshot(event) };
}
