import { Section } from '../../ui/section';
import { ends as allEnds, Items } from '../loose';

/** The loose ends of one agent. */
export function AgentLoose({ name }: { name: string }) {
  const ends = allEnds.value.find(({ agent }) => agent === name)?.ends ?? [];
  return (
    <Section
      feature="agent"
      id="agent-loose"
      title="L00S3 3NDS"
      plain={`Loose ends of ${name}`}
      aside={ends.length > 0 ? <span class="count">{ends.length}</span> : null}
    >
      {ends.length === 0 ? (
        <p class="empty">{name} waits for nothing and owes nothing.</p>
      ) : (
        <div class="rows row">
          <Items ends={ends} flat />
        </div>
      )}
    </Section>
  );
}
