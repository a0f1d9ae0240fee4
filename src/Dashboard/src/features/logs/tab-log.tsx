import type { Agent } from '../../api/types';
import { LogView } from './view';

/** The log of an agent as a tab of its place. */
export function LogTab({ agent: { name } }: { agent: Agent; rest: string | undefined }) {
  return (
    <LogView
      name={name}
      around={(state, log) => (
        <div class="log-tab feature-logs">
          <div class="log-head">{state}</div>
          {log}
        </div>
      )}
    />
  );
}
