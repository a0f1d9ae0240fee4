import type { Agent } from '../../api/types';
import { Age } from '../../ui/clock';
import { Section } from '../../ui/section';

/** The connections that the agent's list of hosts refused; hidden while there are none. */
export function AgentRefused({ agent: { name, parts } }: { agent: Agent }) {
  const egress = parts?.egress;
  if (egress === undefined) return null;
  return (
    <Section
      feature="agent"
      id="agent-refused"
      title="R3FUS3D"
      plain={`Refused connections of ${name}`}
      aside={<span class="count">{egress.total}</span>}
    >
      <ul>
        {egress.refused.map(({ host, port, reason, count, last_at }) => (
          <li key={`${host}:${port}${reason}`}>
            <bdi class="mono">
              {host.includes(':') ? `[${host}]` : host}:{port}
            </bdi>{' '}
            <span class="dim">
              {count}× · <Age at={last_at} /> · {reason}
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
