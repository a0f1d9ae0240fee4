import type { Agent, Transient } from '../../api/types';
import { Age } from '../../ui/clock';

/** The work on an agent's container that is under way. */
export function Pending({ transient }: { transient: Transient }) {
  return (
    <span class="badge warn" role="status">
      <span class="spinner" aria-hidden="true" /> {transient.kind} … <Age at={transient.since_at} />
    </span>
  );
}

/** Whether an agent runs, or the work that is under way. */
export function StateBadge({ agent, transient }: { agent: Agent; transient: Transient | undefined }) {
  if (transient !== undefined) return <Pending transient={transient} />;
  if (agent.failed) return <span class="badge bad">✗ failed</span>;
  return agent.running ? <span class="badge good">● running</span> : <span class="badge dim">○ stopped</span>;
}
