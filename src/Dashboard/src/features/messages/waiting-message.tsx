import { Age } from '../../ui/clock';
import { Link } from '../../ui/link';
import type { WaitingDetail } from '../../ui/registry';
import { AgentText } from '../files';
import { addressOf, panelOf } from './actions';
import { MessageText } from './text';
import { unreadOf } from './waiting';

/** Of a longer message the beginning is shown. */
const CHARS = 4000;

/** The unread messages of one sender, the oldest first, as they are read. */
export function MessagesDetail({ row }: WaitingDetail) {
  const unread = unreadOf(row.id).toReversed();
  if (unread.length === 0) return <AgentText text={row.title} refs={row.refs} />;
  return (
    <ol class="feature-messages unread-messages">
      {unread.map((message) => (
        <li key={message.id} data-message={message.id}>
          <p class="dim">
            <Link to={addressOf(message.id)} opens={panelOf(message.id)}>
              <span class="n">#{message.id}</span>
            </Link>{' '}
            <Age at={message.sent_at} /> ago
          </p>
          <MessageText message={message} most={CHARS} />
        </li>
      ))}
    </ol>
  );
}
