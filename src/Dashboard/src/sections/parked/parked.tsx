import { useState } from 'preact/hooks';
import { post } from '../../api/client';
import type { Message } from '../../api/types';
import { swarm } from '../../live';
import { Act } from '../../ui/act';
import { Age } from '../../ui/clock';
import { Refused } from '../../ui/fault';
import { Section } from '../../ui/section';
import { AgentText } from '../files/text';

/** Messages whose recipient failed at them again and again; shown only when there are some. */
export function Parked() {
  const parked = swarm.parked.value;
  if (parked.length === 0) return null;
  return (
    <Section id="parked" title="P4RK3D" plain="Parked messages" aside={<span class="count bad">{parked.length}</span>}>
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
  return (
    <li class="row parked" data-message={message.id}>
      <div class="line">
        <span class="who">
          {message.from} → {message.to}
        </span>
        <span class="badge bad">⚠ {message.attempts ?? 0} failed</span>
        {message.parked_at == null ? null : (
          <span class="dim since">
            <Age at={message.parked_at} /> ago
          </span>
        )}
      </div>
      <AgentText text={message.body} refs={message.file_refs} />
      <div class="line second">
        <span class="status bad">{message.last_error ?? 'no reason was given'}</span>
        <span class="buttons">
          <Act label="↻ R3TRY" plain={`Deliver message ${message.id} to ${message.to} again`} tone="good" onError={setError} run={() => post(`/retry-message/${message.id}`)} />
          <Act
            label="✗ DR0P"
            plain={`Drop message ${message.id}`}
            tone="bad"
            confirm={{ title: 'Drop this message?', text: `${message.to} will never get it. It was sent by ${message.from}.`, yes: '✗ DR0P' }}
            onError={setError}
            run={() => post(`/drop-message/${message.id}`)}
          />
        </span>
      </div>
      <Refused error={error} onClose={() => setError(null)} />
    </li>
  );
}
