import { useState } from 'preact/hooks';
import { api } from '../../api/client';
import type { Message } from '../../api/types';
import { Act } from '../../ui/act';
import { Age } from '../../ui/clock';
import { Refused } from '../../ui/fault';
import { Label } from '../../ui/label';
import { askToNotify, notifyPermission } from '../../ui/notify';
import { Section } from '../../ui/section';
import { writeTo } from './recipient';
import { messages } from './store';
import { MessageText } from './text';

export function Inbox() {
  const [error, setError] = useState<string | null>(null);
  const unread = messages.inboxUnread.value;
  const rows = messages.inbox.value;
  return (
    <Section
      feature="messages"
      id="inbox"
      title="0PER4T0R 1NB0X"
      plain="Operator inbox"
      aside={
        <span class="buttons">
          {unread > 0 ? <span class="count amber">{unread} unread</span> : null}
          {notifyPermission.value === 'default' ? (
            <button
              type="button"
              class="act"
              aria-label="Notify me of new messages when this page is in the background"
              onClick={() => void askToNotify()}
            >
              <Label text="N0T1FY M3" />
            </button>
          ) : null}
          {unread > 0 ? (
            <Act
              label="✓ 4CK 4LL"
              plain="Mark every message to you as read"
              onError={setError}
              run={() => api.POST('/api/messages/ack', { body: { all: true } })}
            />
          ) : null}
        </span>
      }
    >
      <Refused error={error} onClose={() => setError(null)} />
      {rows.length === 0 ? (
        <p class="empty">No messages. Messages that agents send to operator show here.</p>
      ) : (
        <ul class="rows scroll" tabIndex={0} aria-label="Messages to you">
          {rows.map((message) => (
            <Row key={message.id} message={message} />
          ))}
        </ul>
      )}
    </Section>
  );
}

function Row({ message }: { message: Message }) {
  const [error, setError] = useState<string | null>(null);
  const unread = message.acked_at == null;
  return (
    <li class={`row inbox ${unread ? 'unread' : ''}`} data-message={message.id}>
      <div class="line">
        <span class="who">{message.from}</span>
        {unread ? <span class="badge amber">new</span> : null}
        <span class="dim since">
          <Age at={message.sent_at} /> ago
        </span>
        <span class="buttons">
          {message.from === 'system' || message.from === 'reminder' ? null : (
            <button
              type="button"
              class="act"
              aria-label={`Write to ${message.from}`}
              onClick={() => writeTo(message.from, message)}
            >
              <Label text="↩ T4LK" />
            </button>
          )}
          {unread ? (
            <Act
              label="✓ 4CK"
              plain={`Mark the message of ${message.from} as read`}
              onError={setError}
              run={() => api.POST('/api/messages/ack', { body: { ids: [message.id] } })}
            />
          ) : null}
        </span>
      </div>
      <MessageText message={message} />
      <Refused error={error} onClose={() => setError(null)} />
    </li>
  );
}
