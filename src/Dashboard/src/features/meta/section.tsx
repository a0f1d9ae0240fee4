import { api } from '../../api/client';
import type { MetaInput } from '../../api/types';
import type { Action } from '../../ui/action';
import { ActionButton } from '../../ui/action-button';
import { useBounded } from '../../ui/bounded';
import { Age } from '../../ui/clock';
import { Section } from '../../ui/section';
import { metaInputs } from './store';

const STEP = 50;

const { chosen } = metaInputs;

/** Pins inputs to the current revisions of their sources, and has the agents that use them rebuilt. */
const update = (names: readonly string[]): Action => ({
  id: 'update inputs',
  label: '↻ UPD4TE CH0S3N',
  of: names.length === 0 ? 'inputs: choose some first' : `inputs: ${names.join(', ')}`,
  hold: true,
  run: async () => {
    await api.POST('/api/inputs/update', { body: { inputs: [...names] } });
    // Others may have been chosen in the meantime.
    chosen.value = new Set([...chosen.peek()].filter((name) => !names.includes(name)));
  },
});

/** The repositories that agents are built with, pinned until the operator moves them. */
export function MetaSection() {
  const inputs = metaInputs.all.value.toSorted((a, b) => a.name.localeCompare(b.name));
  // An input that is gone is not chosen any more.
  const picked = inputs.filter(({ name }) => chosen.value.has(name));
  const affected = [...new Set(picked.flatMap(({ agents }) => agents))].sort();
  const names = picked.map(({ name }) => name);
  const { shown, more } = useBounded(inputs, STEP);
  const all = picked.length === inputs.length;
  const rebuilds =
    affected.length === 0
      ? 'No agent uses them.'
      : `Rebuilt with an update, one after another: ${affected.join(', ')}.`;
  return (
    <Section
      feature="meta"
      id="meta"
      title="M3T4 1NPUTS"
      plain="Meta inputs"
      aside={
        inputs.length === 0 ? null : (
          <span class="counts">
            <span class="count">
              {picked.length > 0 ? `${picked.length} of ` : ''}
              {inputs.length} {inputs.length === 1 ? 'input' : 'inputs'}
            </span>
            <ActionButton tone="warn" action={update(names)} disabled={picked.length === 0} />
          </span>
        )
      }
    >
      {inputs.length === 0 ? (
        <p class="empty">No input is pinned. Repositories that agents’ configurations name as inputs show here.</p>
      ) : (
        <div class="rows">
          <label class="row input-row every">
            <input
              type="checkbox"
              checked={all}
              onChange={() => (chosen.value = all ? new Set() : new Set(inputs.map(({ name }) => name)))}
            />
            <span class="dim">all of them</span>
          </label>
          {picked.length === 0 ? null : <p class="dim input-rebuilds">{rebuilds}</p>}
          <ul>
            {shown.map((input) => (
              <Row key={input.name} input={input} />
            ))}
          </ul>
          {more}
        </div>
      )}
    </Section>
  );
}

function Row({ input: { name, locked_rev, modified_at, url, agents } }: { input: MetaInput }) {
  const toggle = () => {
    const changed = new Set(chosen.value);
    if (!changed.delete(name)) changed.add(name);
    chosen.value = changed;
  };
  return (
    <li class="row input-row" data-input={name}>
      <label>
        <input type="checkbox" checked={chosen.value.has(name)} onChange={toggle} />
        <span class="name">{name}</span>
      </label>
      <span class="badge dim" title={locked_rev}>
        {locked_rev.slice(0, 12)}
      </span>
      <span class="dim">
        <Age at={modified_at} /> old
      </span>
      <span class={`users ${agents.length === 0 ? 'dim' : ''}`}>
        {agents.length === 0 ? 'used by nobody' : agents.join(', ')}
      </span>
      {url == null ? null : <span class="dim url">{url}</span>}
    </li>
  );
}
