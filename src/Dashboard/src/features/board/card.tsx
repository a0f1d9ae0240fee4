import type { ComponentChildren } from 'preact';
import type { TaskCounts, TicketCard } from '../../api/types';
import { ActionButton } from '../../ui/action-button';
import { activityOf, lookOf } from '../../ui/activity';
import { Age, Until } from '../../ui/clock';
import { Link } from '../../ui/link';
import { memo } from '../../ui/memo';
import { counted, usdText } from '../../ui/text/figures';
import { containers } from '../containers';
import { kindName, waiting } from '../waiting';
import { gateOf, isNew, needsYou, waitingAddress } from './columns';
import { forceInto, workflowOf } from './deeds';
import { refusalOf, refuse } from './moves';

/** How much a priority is shown: the usual one is not. */
const PRIORITIES: Readonly<Record<string, { glyph: string; tone: string }>> = {
  CRITICAL: { glyph: '‼', tone: 'bad' },
  HIGH: { glyph: '↑', tone: 'warn' },
  LOW: { glyph: '↓', tone: 'faint' },
};

export function Priority({ priority }: { priority: string }) {
  const look = PRIORITIES[priority];
  return look === undefined ? null : (
    <span class={`priority tone-${look.tone}`} title={`${priority.toLowerCase()} priority`}>
      <span aria-hidden="true">{look.glyph}</span>
      <span class="hidden">{priority.toLowerCase()} priority</span>
    </span>
  );
}

const COUNTS: readonly (readonly [keyof TaskCounts, string, string])[] = [
  ['running', '◉', 'good'],
  ['open', '○', 'plain'],
  ['done', '✓', 'dim'],
  ['failed', '✗', 'bad'],
];

/** The tasks of a ticket by their states; the running ones are not among the open ones here. */
export function Tasks({ tasks }: { tasks: TaskCounts }) {
  const shown = { ...tasks, open: tasks.open - tasks.running };
  const all = COUNTS.filter(([state]) => shown[state] > 0);
  if (all.length === 0) return <span class="dim">no tasks</span>;
  return (
    <span class="task-counts">
      {all.map(([state, glyph, tone]) => (
        <span key={state} class={`tone-${tone} n`} title={`${counted(shown[state], 'task')} ${state}`}>
          <span aria-hidden="true">{glyph}</span>
          {shown[state]}
          <span class="hidden"> {state}</span>
        </span>
      ))}
    </span>
  );
}

/** What the turns on a ticket or a task have cost. */
export function Cost({ usd }: { usd: number | null | undefined }) {
  return usd == null ? null : (
    <span class="dim n" title="What its turns have cost">
      {usdText(usd)}
    </span>
  );
}

/** The agents that have a task of a ticket now: the first with its state, and how many more. */
export function Agents({ names }: { names: readonly string[] }) {
  const [name, ...others] = names;
  if (name === undefined) return null;
  const agent = containers.agents.value.get(name);
  const look = agent === undefined ? null : lookOf(activityOf(agent, containers.transients.value.get(name)).state);
  return (
    <span class="card-agents mono" title={names.join(', ')}>
      {look === null ? null : (
        <span class={`tone-${look.tone}`} aria-hidden="true">
          {look.glyph}
        </span>
      )}
      <bdi class="card-agent">{name}</bdi>
      {others.length === 0 ? null : (
        <span class="dim n">
          +{others.length}
          <span class="hidden"> more agents</span>
        </span>
      )}
    </span>
  );
}

/** The state of a ticket in one line: the first one that holds. */
export function Mark({ card, manual = false, stop = true }: { card: TicketCard; manual?: boolean; stop?: boolean }) {
  const said = (tone: string, glyph: string, words: ComponentChildren) => (
    <span class={`card-mark tone-${tone}`}>
      <span aria-hidden="true">{glyph}</span> <span>{words}</span>
    </span>
  );
  if (isNew(card))
    return said(
      'waiting',
      '◇',
      <>
        needs your approval
        {card.approval_deadline_at == null ? null : (
          <>
            {' · '}
            <Until at={card.approval_deadline_at} ahead={(left) => `${left} left`} past={() => 'decided any moment'} />
          </>
        )}
      </>,
    );
  if (card.blocked != null)
    return said('bad', '⊘', <bdi>{card.blocked_reason || card.blocked.replaceAll('_', ' ')}</bdi>);
  if (card.held) return said('faint', '‖', 'held by you');
  const key = needsYou(card);
  if (key !== null)
    return (
      <Link to={waitingAddress(key)} class="card-mark tone-waiting" stop={stop}>
        <span aria-hidden="true">◇</span> <NeedsYou name={key} />
      </Link>
    );
  if (card.gate === 'waiting')
    return said(
      manual ? 'waiting' : 'info',
      '◷',
      manual ? 'move it in when you want it' : <bdi>waits for room in {card.waiting_for ?? 'the next column'}</bdi>,
    );
  if (card.gate === 'failed') return said('bad', '✗', 'gate failed');
  if (gateOf(card, workflowOf(card)) === 'passed' && card.done_at == null) return said('good', '✓', 'gate passed');
  return null;
}

/** What waits for the operator, in words. */
function NeedsYou({ name }: { name: string }) {
  const title = waiting.get(name)?.title;
  return <span>waits for you{title === undefined ? '' : <bdi>: {title}</bdi>}</span>;
}

/** Links to the questions, approvals and verdicts without which a ticket or a task does not go on. */
export function WaitsForYou({ ticket, task }: { ticket?: number; task?: number }) {
  const rows = waiting.all.value.filter(({ tickets, tasks }) =>
    task === undefined ? ticket !== undefined && tickets?.includes(ticket) : tasks?.includes(task),
  );
  return rows.length === 0 ? null : (
    <ul class="note waiting ticket-note" aria-label="Waits for you">
      {rows.map((row) => (
        <li key={row.key}>
          <strong>Waits for you:</strong>{' '}
          <Link to={waitingAddress(row.key)} class="link">
            <bdi>{row.title}</bdi>
          </Link>
          <span class="dim">
            {' '}
            · {kindName(row)}
            {row.agent == null ? null : (
              <>
                {' of '}
                <bdi class="mono">{row.agent}</bdi>
              </>
            )}{' '}
            · <Age at={row.since_at} />
          </span>
        </li>
      ))}
    </ul>
  );
}

/** A ticket in one sentence, as a screen reader says it. */
export const spoken = (card: TicketCard): string =>
  [
    `ticket ${card.id}: ${card.title}`,
    ...(card.priority === 'MEDIUM' ? [] : [`${card.priority.toLowerCase()} priority`]),
    ...(isNew(card) ? ['needs your approval'] : []),
    ...(card.blocked == null ? [] : ['blocked']),
    ...(card.held ? ['held'] : []),
    ...(needsYou(card) === null ? [] : ['waits for you']),
    ...(gateOf(card, workflowOf(card)) === 'open' ? [] : [`gate ${card.gate}`]),
  ].join(', ');

/** The content of a card. */
export const Card = memo(
  function Card({ card, manual }: { card: TicketCard; manual: boolean }) {
    return (
      <>
        <span class="card-top">
          <span class="card-id mono n">#{card.id}</span>
          <Priority priority={card.priority} />
          {card.labels.length === 0 ? null : <bdi class="card-labels">{card.labels.join(' · ')}</bdi>}
          <span class="card-age n">
            <Age at={card.done_at ?? card.entered_at} />
          </span>
        </span>
        <bdi class="card-title">{card.title}</bdi>
        <Mark card={card} manual={manual} stop={false} />
        <span class="card-foot">
          <Tasks tasks={card.tasks} />
          <Cost usd={card.cost_usd} />
          <Agents names={card.agents} />
        </span>
      </>
    );
  },
  (a, b) => a.card === b.card && a.manual === b.manual,
);

/** The words with which the host refused to move a card, in one line at the card, and the ways on. */
export function RefusedMove({ card, stop = true }: { card: TicketCard; stop?: boolean }) {
  const refused = refusalOf(card);
  if (refused === null) return null;
  const { why, to } = refused;
  return (
    <span class="card-refused" role="alert">
      <Link to={`/tickets/${card.id}#gate`} class="link refused-why" hint={why} stop={stop}>
        <bdi>{why}</bdi>
      </Link>
      {to === undefined ? null : <ActionButton action={forceInto(card, to)} stop={stop} />}
      <button
        type="button"
        class="plain"
        aria-label={`Dismiss the refusal of ticket ${card.id}`}
        tabIndex={-1}
        onClick={(e) => {
          e.stopPropagation();
          refuse(card, null);
        }}
      >
        ✗
      </button>
    </span>
  );
}
