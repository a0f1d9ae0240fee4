import type { Agent } from '../../api/types';
import { LogView } from './view';

/** The log of an agent as a tab of its place. */
export function LogTab({ agent: { name, runtime } }: { agent: Agent; rest: string | undefined }) {
  if (runtime === 'external')
    return (
      <p class="empty">
        {name} is external: it runs outside of Hive, which has no output of it. Look at the terminal or the service in
        which it was started.
      </p>
    );
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
