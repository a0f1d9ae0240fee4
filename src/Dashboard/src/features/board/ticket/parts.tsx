import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type {
  Artifact,
  Criterion,
  Gate,
  Review,
  Task,
  Ticket,
  TicketHistoryEntry,
  WorkflowView,
} from '../../../api/types';
import { perform } from '../../../ui/action';
import { ActionButton } from '../../../ui/action-button';
import { Age } from '../../../ui/clock';
import { keyOf, useKey } from '../../../ui/keys';
import { Label } from '../../../ui/label';
import type { Wired } from '../../../ui/labels';
import { Link } from '../../../ui/link';
import { isOpen, openPanel } from '../../../ui/panel';
import { askPalette } from '../../../ui/registry';
import { counted } from '../../../ui/text/figures';
import { bytesText } from '../../../ui/text/time';
import { sendText } from '../../../ui/with-text';
import { Writing } from '../../../ui/writing';
import { AgentText } from '../../files';
import { failReview, passInPlace, passReview } from '../actions';
import { BLOCKED, gateOf, needsYou, phaseName } from '../columns';
import { commentText, judge } from '../deeds';
import { board, waitsForOperator } from '../store';
import { reasonOf, reworkOf, sentenceOf } from './history';
import { criterionLook, stateLook } from './look';
import { ARTIFACTS, ENTRIES } from './rows';

/** A part of the ticket's place with its heading. */
export function Part({
  id,
  title,
  aside,
  children,
}: {
  id: string;
  title: Wired;
  aside?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section id={id} class="ticket-part" aria-labelledby={`${id}-title`}>
      <header class="part-head">
        <h3 id={`${id}-title`}>
          <Label text={title} />
        </h3>
        {aside}
      </header>
      {children}
    </section>
  );
}

/** How many there are; <isAll>: the page has read all of them. */
const Count = ({ count, isAll }: { count: number; isAll: boolean }) => (
  <span class="dim n">
    {isAll ? '' : 'the latest '}
    {count}
  </span>
);

const GATES: Readonly<Record<string, { glyph: string; tone: string; words: string }>> = {
  open: { glyph: '●', tone: 'accent', words: 'here' },
  failed: { glyph: '✗', tone: 'bad', words: 'here, gate failed' },
  passed: { glyph: '✓', tone: 'good', words: 'here, gate passed' },
  waiting: { glyph: '◷', tone: 'info', words: 'here, waits for room' },
};

/** Of more phases than these only the present one is named. */
const NAMED = 10;

/** The phases of the ticket's workflow as steps, and where it is. */
export function Track({ ticket, workflow }: { ticket: Ticket; workflow: WorkflowView | undefined }) {
  const phases = (workflow?.spec.phases ?? []).filter(({ id }) => id !== BLOCKED);
  const here = phases.findIndex(({ id }) => id === ticket.phase_id);
  if (here < 0) return null;
  return (
    <div class={`track ${phases.length > NAMED ? 'dense' : ''}`}>
      <p class="track-here">
        <span class="dim n">
          phase {here + 1} of {phases.length}
        </span>{' '}
        <bdi>{phases[here]?.name}</bdi>
      </p>
      <ol class="steps" aria-label="Phases">
        {phases.map((phase, i) => {
          const isOver = i < here || ticket.done_at != null;
          const now =
            i === here && ticket.done_at == null ? (GATES[gateOf(ticket, workflow)] ?? GATES.open) : undefined;
          const tone = now?.tone ?? (isOver ? 'done' : 'ahead');
          return (
            <li
              key={phase.id}
              class={`step ${tone}`}
              aria-current={i === here ? 'step' : undefined}
              title={phase.description ?? undefined}
            >
              <span class="step-mark" aria-hidden="true">
                {now?.glyph ?? (isOver ? '✓' : '○')}
              </span>
              <bdi class="step-name">{phase.name}</bdi>
              <span class="hidden">, {now?.words ?? (isOver ? 'passed' : 'ahead')}</span>
            </li>
          );
        })}
      </ol>
    </div>
  );
}

/** The gate of the phase that the ticket is in: each criterion, and whether it holds. */
export function GatePart({
  ticket,
  gate,
  tasks,
  reviews,
  workflow,
}: {
  ticket: Ticket;
  gate: Gate | null;
  tasks: readonly Task[];
  reviews: readonly Review[];
  workflow: WorkflowView | undefined;
}) {
  const shown = gate?.phase_id === ticket.phase_id ? gate : null;
  const asked = reviews.find(waitsForOperator);
  const named = asked === undefined ? null : { id: asked.id, title: asked.question };
  const pass = () => named !== null && void perform(passReview(named));
  const fail = () => {
    if (named === null) return false;
    const text = failReview(named);
    askPalette({ title: named.title, text });
    return true;
  };
  useKey('approve', pass, named !== null);
  useKey('deny', fail, named !== null);
  return (
    <Part
      id="gate"
      title="G4T3"
      aside={
        <span class="dim">
          <bdi>{phaseName(workflow, ticket.phase_id)}</bdi>
          {shown === null || shown.iteration === 0 ? null : (
            <span class="n">
              {' '}
              · failed {shown.iteration} of {shown.max_iterations} times
            </span>
          )}
        </span>
      }
    >
      {shown === null || shown.criteria.length === 0 ? (
        <p class="dim">This phase asks for nothing more.</p>
      ) : (
        <ul class="criteria">
          {shown.criteria.map((criterion, i) => (
            <CriterionLine key={i} criterion={criterion} look={criterionLook(criterion, shown, tasks)} />
          ))}
        </ul>
      )}
      {shown === null || shown.criteria.length === 0 || ticket.done_at != null || named !== null ? null : (
        <div class="part-foot">
          <ActionButton action={judge(ticket)} />
        </div>
      )}
      <ValidatorReviews reviews={reviews} />
      {named === null ? null : (
        <div class="verdict" role="group" aria-label={`Your verdict: ${named.title}`}>
          <p>
            <span class="tone-waiting">
              <span aria-hidden="true">◇</span> your verdict:
            </span>{' '}
            <bdi>{named.title}</bdi>
          </p>
          <div class="verdict-actions">
            <ActionButton action={passReview(named)} />
            <button type="button" class="act bad apart" onClick={fail}>
              <Label text="✗ F41L" of={`review ${named.id}`} />
              {keyOf('deny') === '' ? null : (
                <span class="keycap" aria-hidden="true">
                  {keyOf('deny')}
                </span>
              )}
            </button>
          </div>
        </div>
      )}
    </Part>
  );
}

const VERDICTS: Readonly<Record<string, string>> = { passed: 'met', failed: 'unmet', cancelled: 'waiting' };

/** The reviews that validators have or had, the newest first: who, what they said, and about what. */
function ValidatorReviews({ reviews }: { reviews: readonly Review[] }) {
  const given = reviews.filter(({ review_task }) => review_task != null).sort((a, b) => b.id - a.id);
  if (given.length === 0) return null;
  return (
    <ul class="criteria" aria-label="Reviews by validators">
      {given.map((review) => {
        const look = stateLook(VERDICTS[review.verdict ?? ''] ?? 'waiting');
        return (
          <li key={review.id} class="criterion">
            <span class={`tone-${look.tone}`} aria-hidden="true">
              {look.glyph}
            </span>
            <span>
              <bdi>{review.question}</bdi>
              <span class="criterion-why">
                <bdi>
                  {review.reviewer ?? `task ${review.review_task}`}:{' '}
                  {review.stale ? 'void, the evidence is newer' : (review.verdict ?? 'under way')}
                  {review.iteration === 0 ? '' : ` · round ${review.iteration + 1}`}
                  {review.feedback == null ? '' : ` · ${review.feedback}`}
                </bdi>
              </span>
              {review.verdict == null && !review.stale ? <InItsPlace review={review} /> : null}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

/** The operator can decide what a validator has not. */
function InItsPlace({ review }: { review: Review }) {
  const named = { id: review.id, title: review.question };
  const text = failReview(named);
  return (
    <span class="verdict-actions">
      <ActionButton action={passInPlace(named)} />
      <button type="button" class="act bad" onClick={() => askPalette({ title: named.title, text })}>
        <Label text={text.label} of={text.of} />
      </button>
    </span>
  );
}

/** A reason without the word for programs in front of it: the line's sign says the same. */
const withoutCode = (reason: string): string => reason.replace(/^[a-z]+(?:_[a-z]+)+: /, '');

function CriterionLine({
  criterion: { text, reason },
  look,
}: {
  criterion: Criterion;
  look: ReturnType<typeof criterionLook>;
}) {
  return (
    <li class="criterion">
      <span class={`tone-${look.tone}`}>
        <span aria-hidden="true">{look.glyph}</span>
        <span class="hidden">{look.words}: </span>
      </span>
      <span>
        <bdi>{text}</bdi>
        {reason == null || reason === '' ? null : (
          <span class="criterion-why">
            <bdi>{withoutCode(reason)}</bdi>
          </span>
        )}
      </span>
    </li>
  );
}

/** The artifacts of the ticket's tasks; the newest of each type counts. */
export function Artifacts({ artifacts }: { artifacts: readonly Artifact[] }) {
  const [all, setAll] = useState(false);
  const valid = artifacts.filter(({ superseded_at }) => superseded_at == null);
  const shown = (all ? artifacts : valid).toSorted((a, b) => b.id - a.id);
  const older = artifacts.length - valid.length;
  return (
    <Part id="artifacts" title="4RT1F4CTS" aside={<Count count={valid.length} isAll={artifacts.length < ARTIFACTS} />}>
      {artifacts.length === 0 ? <p class="dim">Nothing has been handed in yet.</p> : null}
      {shown.length === 0 ? null : (
        <ul class="artifacts">
          {shown.map(({ id, type, kind, path, sha, repository, size, by, at, superseded_at }) => (
            <li key={id} class={`artifact ${superseded_at == null ? '' : 'old'}`}>
              <button
                type="button"
                class="artifact-line"
                data-opens={`artifact:${id}`}
                aria-expanded={isOpen(`artifact:${id}`)}
                onClick={() => openPanel(`artifact:${id}`)}
              >
                <bdi class="artifact-type">{type.replaceAll('_', ' ')}</bdi>
                <bdi class="mono artifact-path">
                  {path ?? (sha == null ? kind : `${(repository ?? '').replace(/^forge:/, '')} ${sha.slice(0, 9)}`)}
                </bdi>
                <span class="dim n">{kind === 'commit' ? '' : bytesText(size)}</span>
                <bdi class="dim mono">{by}</bdi>
                <span class="dim n">
                  <Age at={at} />
                </span>
                {superseded_at == null ? null : <span class="hidden">replaced by a newer one</span>}
              </button>
            </li>
          ))}
        </ul>
      )}
      {older === 0 ? null : (
        <button type="button" class="ref" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? 'hide the replaced ones' : `${counted(older, 'replaced one')}`}
        </button>
      )}
    </Part>
  );
}

/** The entries that are shown at first. */
const FIRST = 30;

/** The events of the ticket, the latest first, and the box for a comment. */
export function History({
  ticket,
  entries,
  tasks,
  workflow,
}: {
  ticket: Ticket;
  entries: readonly TicketHistoryEntry[];
  tasks: readonly Task[];
  workflow: WorkflowView | undefined;
}) {
  const [count, setCount] = useState(FIRST);
  const one = commentText(ticket);
  const sorted = entries.toSorted((a, b) => b.id - a.id);
  const name = (phase: string) => phaseName(workflow, phase);
  return (
    <Part id="history" title="H1ST0RY" aside={<Count count={entries.length} isAll={entries.length < ENTRIES} />}>
      <Writing
        target={one.target}
        label={`Comment on ticket ${ticket.id}`}
        placeholder={[needsYou(ticket) === null ? keyOf('reply') : '', 'a comment'].filter(Boolean).join(': ')}
        send={{ label: one.label, plain: `Comment on ticket ${ticket.id}` }}
        what={one.what}
        reader={() => one.reader}
        onSend={async (body, text) => ((await sendText(one, body, text, perform)) ? null : false)}
      />
      <ol class="history">
        {sorted.slice(0, count).map((entry) => (
          <li key={entry.id} class={`entry-of ${entry.kind}`}>
            <span class="entry-line">
              <bdi>{sentenceOf(entry, name)}</bdi>
              <span class="dim n event-age">
                <Age at={entry.at} />
              </span>
            </span>
            {reasonOf(entry) === '' ? null : (
              <div class="entry-reason">
                <AgentText text={reasonOf(entry)} refs={[]} most={600} lines={8} />
              </div>
            )}
            {reworkOf(entry, entries, tasks).map(({ id, title }) => (
              <div key={id} class="entry-reason">
                <button type="button" class="ref" data-opens={`task:${id}`} onClick={() => openPanel(`task:${id}`)}>
                  task {id}
                </button>{' '}
                <bdi>{title}</bdi>
              </div>
            ))}
          </li>
        ))}
      </ol>
      {sorted.length > count ? (
        <button type="button" class="plain more" onClick={() => setCount(count + 100)}>
          ↓ {sorted.length - count} older
        </button>
      ) : null}
    </Part>
  );
}

/** The description of the ticket, and the tickets around it. */
export function About({ ticket }: { ticket: Ticket }) {
  const { description, description_refs, blocked_by, blocks, parent, repository, deadline_at } = ticket;
  const links = [
    ...blocked_by.map((link) => ({ ...link, words: link.done ? 'waited for' : 'waits for' })),
    ...blocks.map((link) => ({ ...link, words: 'is waited for by' })),
    ...(parent == null
      ? []
      : [{ id: parent, title: board.card(parent)?.title ?? '', done: true, words: 'follows up' }]),
  ];
  return (
    <Part id="description" title="D3SCR1PT10N">
      {description === '' ? (
        <p class="dim">No description.</p>
      ) : (
        <AgentText text={description} refs={description_refs} most={2000} />
      )}
      {repository == null && deadline_at == null ? null : (
        <p class="dim facts">
          {repository == null ? null : <bdi class="mono">{repository}</bdi>}
          {deadline_at == null ? null : (
            <span>
              due <time dateTime={deadline_at}>{new Date(deadline_at).toLocaleString()}</time>
            </span>
          )}
        </p>
      )}
      {links.length === 0 ? null : (
        <ul class="links">
          {links.map(({ id, title, words }) => (
            <li key={`${words} ${id}`}>
              <span class="dim">{words}</span>{' '}
              <Link to={`/tickets/${id}`} class="link">
                <span class="mono">#{id}</span> <bdi>{title}</bdi>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Part>
  );
}
