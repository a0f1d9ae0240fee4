import { Link } from '../../ui/link';
import type { WaitingDetail } from '../../ui/registry';
import { AgentText } from '../files';

/** An agent without a driver, and the way to choose one. */
export function IdleDetail({ row: { agent, title, refs } }: WaitingDetail) {
  return (
    <>
      <AgentText text={title} refs={refs} />
      {agent == null ? null : (
        <p>
          <Link to={`/agents/${encodeURIComponent(agent)}/config`}>Choose a driver in its configuration</Link>
        </p>
      )}
    </>
  );
}
