import { useState } from 'preact/hooks';
import { api } from '../../api/client';
import type { Tombstone } from '../../api/types';
import { Act } from '../../ui/act';
import { useBounded } from '../../ui/bounded';
import { Age } from '../../ui/clock';
import { Refused } from '../../ui/fault';
import { Section } from '../../ui/section';
import { bytesText } from '../../ui/text/time';
import { containers } from '../containers';
import { tombstones } from './store';

const STEP = 25;

/** The kept state of destroyed agents, to be revived or purged. */
export function TombstonesSection() {
  const kept = tombstones.all.value;
  const bytes = kept.reduce((sum, { state_bytes }) => sum + state_bytes, 0);
  const { shown, more } = useBounded(kept, STEP);
  return (
    <Section
      feature="tombstones"
      id="tombstones"
      title="K3PT ST4T3"
      plain="Kept state"
      aside={
        kept.length > 0 ? (
          <span class="count">
            {kept.length} kept · {bytesText(bytes)}
          </span>
        ) : null
      }
    >
      {kept.length === 0 ? (
        <p class="empty">
          Nothing is kept. The notes and credentials of a destroyed agent stay here until they are purged.
        </p>
      ) : (
        <>
          <ul class="rows">
            {shown.map((tombstone) => (
              <Row key={tombstone.name} tombstone={tombstone} />
            ))}
          </ul>
          {more}
        </>
      )}
    </Section>
  );
}

function Row({ tombstone: { name, state_bytes, modified_at, has_credentials } }: { tombstone: Tombstone }) {
  const [error, setError] = useState<string | null>(null);
  const going = containers.transients.value.get(name);
  return (
    <li class={`row tombstone ${going === undefined ? '' : 'pending'}`} data-tombstone={name}>
      <div class="line">
        <span class="name">{name}</span>
        <span class="badge dim">{bytesText(state_bytes)}</span>
        {has_credentials ? (
          <span class="badge warn" title="Its tool's credentials and sessions are still in its home">
            credentials kept
          </span>
        ) : (
          <span class="badge dim">no credentials</span>
        )}
        <span class="dim">
          changed <Age at={modified_at} /> ago
        </span>
        <span class="buttons">
          <Act
            label="⊕ R3V1V3"
            plain={`Revive ${name} with what is kept`}
            tone="good"
            disabled={going !== undefined}
            onError={setError}
            run={() => api.POST('/api/tombstones/{name}/revive', { params: { path: { name } } })}
          />
          <Act
            label="PURG3"
            plain={`Purge ${name}: permanently delete what is kept of it`}
            tone="bad"
            disabled={going !== undefined}
            working={going?.kind === 'destroying'}
            confirm={{
              title: `Purge what is kept of ${name}?`,
              text:
                `${bytesText(state_bytes)} of notes${has_credentials ? ', its credentials' : ''}, its ` +
                'configuration and its inbox are permanently deleted. This cannot be undone.',
              yes: `Purge ${name} for good`,
              no: `Keep ${name}`,
            }}
            onError={setError}
            run={() => api.POST('/api/tombstones/{name}/purge', { params: { path: { name } } })}
          />
        </span>
      </div>
      <Refused error={error} onClose={() => setError(null)} />
    </li>
  );
}
