import { useBounded } from '../../ui/bounded';
import { Age, Until } from '../../ui/clock';
import { goToSwarm } from '../../ui/goto';
import { Section } from '../../ui/section';
import { whatIsAsked } from '../approvals';
import { filter } from '../questions';
import type { LooseEnds as Ends, LooseEnd } from './ends';
import { ends as allEnds } from './store';

const STEP = 25;

/** The loose ends of each agent: its questions, approvals and reminders. */
export function LooseEndsSection() {
  const agents = allEnds.value;
  const { shown, more } = useBounded(agents, STEP);
  return (
    <Section
      feature="loose"
      id="loose-ends"
      title="L00S3 3NDS"
      plain="Loose ends"
      aside={agents.length > 0 ? <span class="count">{agents.length} with some</span> : null}
    >
      {agents.length === 0 ? (
        <p class="empty">No agent waits for anything or owes an answer.</p>
      ) : (
        <>
          <ul class="rows">
            {shown.map((ends) => (
              <Agent key={ends.agent} ends={ends} />
            ))}
          </ul>
          {more}
        </>
      )}
    </Section>
  );
}

function Agent({ ends }: { ends: Ends }) {
  const { agent, owed, asked, approvals, reminders } = ends;
  return (
    <li class="row loose" data-loose={agent}>
      <details>
        <summary>
          <span class="who">{agent}</span>
          {owed > 0 ? <span class="badge peer">owes {owed}</span> : null}
          {asked > 0 ? <span class="badge amber">asks {asked}</span> : null}
          {approvals > 0 ? <span class="badge amber">proposes {approvals}</span> : null}
          {reminders > 0 ? <span class="badge info">◷ {reminders}</span> : null}
        </summary>
        <Items ends={ends.ends} />
      </details>
    </li>
  );
}

/** The loose ends of one agent, each a link to its row; <flat> without the indent of a folded list. */
export function Items({ ends, flat = false }: { ends: readonly LooseEnd[]; flat?: boolean }) {
  const { shown, more } = useBounded(ends, STEP);
  return (
    <div class="feature-loose">
      <ul class={`ends ${flat ? 'flat' : ''}`}>
        {shown.map((end) => (
          <Item
            key={
              end.kind === 'reminder'
                ? `r${end.reminder.id}`
                : end.kind === 'approval'
                  ? `a${end.approval.id}`
                  : `${end.kind}${end.question.id}`
            }
            end={end}
          />
        ))}
      </ul>
      {more}
    </div>
  );
}

function Item({ end }: { end: LooseEnd }) {
  if (end.kind === 'reminder') {
    const { id, message, due_at } = end.reminder;
    return (
      <li>
        <span class="badge info">reminder</span>
        <button type="button" class="end" onClick={() => goToSwarm(`[data-reminder="${id}"]`, '#reminders')}>
          {message}
        </button>
        <span class="dim">
          <Until at={due_at} ahead={(left) => `in ${left}`} past={(ago) => `due ${ago} ago`} />
        </span>
      </li>
    );
  }
  if (end.kind === 'approval') {
    const { id, description, requested_at } = end.approval;
    return (
      <li>
        <span class="badge amber">asks you</span>
        <button type="button" class="end" onClick={() => goToSwarm(`[data-approval="${id}"]`, '#approvals')}>
          {whatIsAsked(end.approval)}
          {description == null ? null : (
            <>
              : <bdi>{description}</bdi>
            </>
          )}
        </button>
        <span class="dim">
          <Age at={requested_at} />
        </span>
      </li>
    );
  }
  const { id, asker, target, question, asked_at } = end.question;
  return (
    <li>
      <span class={`badge ${end.kind === 'owed' ? 'peer' : 'amber'}`}>
        {end.kind === 'owed' ? `owes ${asker}` : `asks ${target ?? 'you'}`}
      </span>
      <button
        type="button"
        class="end"
        onClick={() => {
          filter.value = 'all';
          requestAnimationFrame(() => goToSwarm(`[data-question="${id}"]`, '#questions'));
        }}
      >
        {question}
      </button>
      <span class="dim">
        <Age at={asked_at} />
      </span>
    </li>
  );
}
