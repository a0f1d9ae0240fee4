import { swarm } from '../../live';
import { Section } from '../../ui/section';
import { Items } from '../loose/loose';

/** What an agent waits for or owes. */
export function AgentLoose({ name }: { name: string }) {
  const ends = swarm.looseEnds.value.find(({ agent }) => agent === name)?.ends ?? [];
  return (
    <Section id="agent-loose" title="L00S3 3NDS" plain={`Loose ends of ${name}`} aside={ends.length > 0 ? <span class="count">{ends.length}</span> : null}>
      {ends.length === 0 ? (
        <p class="empty">{name} waits for nothing and owes nothing.</p>
      ) : (
        <div class="rows row loose">
          <Items ends={ends} />
        </div>
      )}
    </Section>
  );
}
