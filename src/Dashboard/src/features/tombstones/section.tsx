import { api } from '../../api/client';
import type { Tombstone } from '../../api/types';
import type { Action } from '../../ui/action';
import { ActionButton } from '../../ui/action-button';
import { useBounded } from '../../ui/bounded';
import { Age } from '../../ui/clock';
import { Section } from '../../ui/section';
import { bytesText } from '../../ui/text/time';
import { containers, Pending } from '../containers';
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
          <ul class="kept-rows">
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

/** Creates a destroyed agent again; its undo destroys it, and keeps its state. */
const revive = (name: string): Action => ({
  id: 'revive',
  label: '⊕ R3V1V3',
  of: name,
  undo: () => api.POST('/api/agents/{name}/destroy', { params: { path: { name } }, body: {} }),
  run: () => api.POST('/api/tombstones/{name}/revive', { params: { path: { name } } }),
});

const purge = ({ name, state_bytes, has_credentials }: Tombstone): Action => ({
  id: 'purge',
  label: 'PURG3',
  of: name,
  weight: 'danger',
  confirm: {
    title: `Purge what is kept of ${name}?`,
    text:
      `${bytesText(state_bytes)} of notes${has_credentials ? ', its credentials' : ''}, its ` +
      'configuration and its inbox are permanently deleted. This cannot be undone.',
    yes: `Purge ${name} for good`,
    no: `Keep ${name}`,
  },
  run: () => api.POST('/api/tombstones/{name}/purge', { params: { path: { name } } }),
});

function Row({ tombstone }: { tombstone: Tombstone }) {
  const { name, state_bytes, modified_at, has_credentials } = tombstone;
  const going = containers.transients.value.get(name);
  return (
    <li class="kept-row" data-tombstone={name}>
      <bdi class="mono kept-name">{name}</bdi>
      {going === undefined ? (
        <span class="dim kept-facts">
          {bytesText(state_bytes)} ·{' '}
          {has_credentials ? (
            <span class="tone-warn" title="Its tool's credentials and sessions are still in its home">
              credentials kept
            </span>
          ) : (
            'no credentials'
          )}{' '}
          · changed <Age at={modified_at} /> ago
        </span>
      ) : (
        <span class="kept-facts">
          <Pending transient={going} />
        </span>
      )}
      <span class="buttons">
        <ActionButton action={revive(name)} disabled={going !== undefined} />
        <span class="apart">
          <ActionButton action={purge(tombstone)} disabled={going !== undefined} />
        </span>
      </span>
    </li>
  );
}
