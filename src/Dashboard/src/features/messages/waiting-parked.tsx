import { Age } from '../../ui/clock';
import { Link } from '../../ui/link';
import type { WaitingDetail } from '../../ui/registry';
import { AgentText } from '../files';
import { addressOf, panelOf } from './actions';
import { messages } from './store';
import { MessageText } from './text';

/** A message that its recipient could not take, with why. */
export function ParkedDetail({ row }: WaitingDetail) {
  const message = messages.parked.value.find(({ id }) => String(id) === row.id);
  if (message === undefined) return <AgentText text={row.title} refs={row.refs} />;
  return (
    <div class="feature-messages" data-message={message.id}>
      <p class="dim">
        <Link to={addressOf(message.id)} opens={panelOf(message.id)}>
          <span class="n">#{message.id}</span>
        </Link>{' '}
        from <bdi>{message.from}</bdi>, sent <Age at={message.sent_at} /> ago
      </p>
      <MessageText message={message} most={4000} />
      <p class="note bad">
        <span>{message.attempts ?? 0} deliveries failed:</span> <bdi>{message.last_error ?? 'no reason was given'}</bdi>
      </p>
    </div>
  );
}
