import { Section } from '../../ui/section';
import { ends as allEnds, Items } from '../loose';

/** The loose ends of one agent. */
export function AgentLoose({ name }: { name: string }) {
  const ends = allEnds.value.find(({ agent }) => agent === name)?.ends ?? [];
  if (ends.length === 0) return null;
  return (
    <Section
      feature="agent"
      id="agent-loose"
      title="L00S3 3NDS"
      plain={`Loose ends of ${name}`}
      aside={<span class="count">{ends.length}</span>}
    >
      <Items ends={ends} />
    </Section>
  );
}
