import { Age } from '../../ui/clock';
import { Link } from '../../ui/link';
import type { WaitingDetail } from '../../ui/registry';
import { AgentText } from '../files';
import { addressOf, MessageText, messages } from '../messages';
import { EXPIRED, saidAfter } from './question';

/** A question that expired, and what its asker assumed instead, as far as it said so. */
export function ExpiredDetail({ row }: WaitingDetail) {
  const { agent, since_at } = row;
  const next = agent == null ? undefined : saidAfter(messages.flow.value.rows, agent, since_at);
  return (
    <div class="feature-questions" data-expired={row.id}>
      <AgentText text={row.title} refs={row.refs} />
      <p class="dim">
        Nobody answered in time: it was told “{EXPIRED}” <Age at={since_at} /> ago, and goes by its own assumption.
      </p>
      {agent == null ? null : next === undefined ? (
        <p class="dim">
          It has written nothing since; <Link to={`/agents/${encodeURIComponent(agent)}/turns`}>its turns</Link> show
          what it did.
        </p>
      ) : (
        <div class="given">
          <p class="dim">
            What it wrote next, to <bdi>{next.to}</bdi>: <Link to={addressOf(next.id)}>#{next.id}</Link>
          </p>
          <MessageText message={next} most={2000} />
        </div>
      )}
    </div>
  );
}
