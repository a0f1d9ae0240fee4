import type { Agent, Transient } from '../../api/types';
import { activityOf, lookOf } from '../../ui/activity';
import { Age, Until } from '../../ui/clock';

/** The work on an agent's container that is under way. */
export function Pending({ transient }: { transient: Transient }) {
  return (
    <span class="badge info">
      <span class="spinner" aria-hidden="true" /> {transient.kind} … <Age at={transient.since_at} />
    </span>
  );
}

/** The states that end by themselves at a known time. */
const ENDS: ReadonlySet<string> = new Set(['rate limited', 'restarting']);

/** An agent's state: glyph, word, and since when, or how long still. */
export function State({ agent, transient }: { agent: Agent; transient?: Transient | undefined }) {
  const { state, since_at, until_at } = activityOf(agent, transient);
  const { glyph, tone, spins } = lookOf(state);
  return (
    <span class={`state tone-${tone}`} data-state={state}>
      <span class="state-glyph" aria-hidden="true">
        {spins === true ? <span class="spinner" /> : glyph}
      </span>{' '}
      <span class="state-word">
        <bdi>{state}</bdi>
      </span>{' '}
      {until_at != null && ENDS.has(state) ? (
        <span class="state-age">
          <Until at={until_at} ahead={(left) => `${left} left`} past={() => 'any moment'} />
        </span>
      ) : since_at === '' ? null : (
        <span class="state-age">
          <Age at={since_at} />
        </span>
      )}
    </span>
  );
}
