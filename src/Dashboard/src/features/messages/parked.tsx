import { useState } from 'preact/hooks';
import { api } from '../../api/client';
import type { Message } from '../../api/types';
import { Act } from '../../ui/act';
import { Age, Until } from '../../ui/clock';
import { Refused } from '../../ui/fault';
import { Section } from '../../ui/section';
import { messages } from './store';
import { MessageText } from './text';

/** Failed messages: parked ones, and those in back-off. Hidden while there are none. */
export function Parked() {
  const parked = messages.parked.value;
  if (parked.length === 0) return null;
  return (
    <Section
      feature="messages"
      id="parked"
      title="F41L3D M3SS4G3S"
      plain="Failed messages"
      aside={
        <span class="counts">{parked.length > 0 ? <span class="count bad">{parked.length} parked</span> : null}</span>
      }
    >
      <ul class="rows">
        {parked.map((message) => (
          <Row key={message.id} message={message} />
        ))}
      </ul>
    </Section>
  );
}

function Row({ message }: { message: Message }) {
  const [error, setError] = useState<string | null>(null);
  const { id, from, to, attempts, parked_at, next_attempt_at } = message;
  return (
    <li class={`row parked ${parked_at == null ? 'again' : ''}`} data-message={id}>
      <div class="line">
        <span class="who">
          {from} → {to}
        </span>
        <span class={`badge ${parked_at == null ? 'orange' : 'bad'}`}>⚠ {attempts ?? 0} failed</span>
        {parked_at != null ? (
          <span class="dim since">
            parked <Age at={parked_at} /> ago
          </span>
        ) : next_attempt_at != null ? (
          <span class="dim since">
            <Until
              at={next_attempt_at}
              ahead={(left) => `delivered again in ${left}`}
              past={() => 'due to be delivered again'}
            />
          </span>
        ) : null}
      </div>
      <MessageText message={message} />
      <div class="line second">
        <span class="status bad">{message.last_error ?? 'no reason was given'}</span>
        <span class="buttons">
          <Act
            label="↻ R3TRY"
            plain={`Deliver message ${id} to ${to} again`}
            tone="good"
            onError={setError}
            run={() => api.POST('/api/messages/{id}/retry', { params: { path: { id } } })}
          />
          <Act
            label="✗ DR0P"
            plain={`Drop message ${id}`}
            tone="bad"
            confirm={{
              title: 'Drop this message?',
              text: `${to} will never get it. It was sent by ${from}.`,
              yes: `Drop message ${id}`,
              no: 'Keep it',
            }}
            onError={setError}
            run={() => api.POST('/api/messages/{id}/drop', { params: { path: { id } } })}
          />
        </span>
      </div>
      <Refused error={error} onClose={() => setError(null)} />
    </li>
  );
}
