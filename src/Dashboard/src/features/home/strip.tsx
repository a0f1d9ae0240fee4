import { effect } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { answerOf, api } from '../../api/client';
import type { BoardColumn, Budget, WorkCounts, WorkflowView } from '../../api/types';
import { ReadFault } from '../../ui/fault';
import { Link } from '../../ui/link';
import { live } from '../../ui/live';
import { counted } from '../../ui/text/figures';
import { board, columnsOf, fullness, isOverlay } from '../board';
import { amountOf, budgets, spentOf } from '../stats';
import { waiting } from '../waiting';
import { Counts } from './counts';

/** The counts of open work, kept fresh while they are shown. */
function useCounts(): Counts {
  const [counts] = useState(
    () =>
      new Counts(
        async (signal) => (await answerOf(api.GET('/api/v1/work', { signal }))).work,
        () => document.visibilityState === 'visible',
      ),
  );
  useEffect(() => {
    const shown = () => counts.shown();
    document.addEventListener('visibilitychange', shown);
    const forget = effect(() => {
      // Each of these may change the counts.
      void [waiting.all.value, board.tasks, board.columns.value];
      if (live.sync.value.state === 'synced') counts.changed();
    });
    void counts.read();
    return () => {
      document.removeEventListener('visibilitychange', shown);
      forget();
      counts.stop();
    };
  }, [counts]);
  return counts;
}

/** The columns of each board that has tickets; the one of blocked tickets only where some are. */
export function boardsOf(workflows: readonly WorkflowView[], all: readonly BoardColumn[]) {
  return workflows.flatMap((workflow) => {
    const columns = columnsOf(workflow.name, workflow, all).filter((column) => column.count > 0 || !isOverlay(column));
    return columns.every(({ count }) => count === 0) ? [] : [{ workflow, columns }];
  });
}

/** The global budget; without one, the budget that is used up most. */
export const chiefOf = (all: readonly Budget[]): Budget | undefined =>
  all.toSorted((a, b) => Number(b.scope === 'global') - Number(a.scope === 'global') || spentOf(b) - spentOf(a))[0];

/** Where the work stands: whether it goes on, each column of the board, what waits for an answer, and what is spent. */
export function Strip({ working }: { working: number }) {
  const counts = useCounts();
  const boards = boardsOf(board.workflows.value, board.columns.value);
  const work = counts.work.value;
  const error = counts.error.value;
  const budget = chiefOf(budgets.all.value);
  const open = work?.open_tasks ?? 0;
  const behind = work?.stopped_tickets ?? 0;
  if (boards.length === 0 && open === 0 && budget === undefined) return null;
  const stops = open > 0 && working === 0;
  return (
    <section class={`home-strip ${stops ? 'stops' : ''}`} aria-labelledby="home-strip">
      <h2 id="home-strip" class="hidden">
        The work
      </h2>
      {error === null ? (
        <Sentence work={work} working={working} />
      ) : (
        <ReadFault
          error={`The tasks could not be counted: ${error}`}
          plain="Count the tasks again"
          onRetry={() => void counts.read()}
        />
      )}
      {boards.map(({ workflow: { name, title }, columns }) => (
        <div key={name} class="strip-board">
          {boards.length > 1 ? (
            <h3 class="dim">
              <bdi>{title ?? name}</bdi>
            </h3>
          ) : null}
          <ul class="strip-figures" aria-label={boards.length > 1 ? (title ?? name) : 'The columns of the board'}>
            {columns.map((column) => (
              <Column key={column.id} column={column} />
            ))}
          </ul>
        </div>
      ))}
      {behind > 0 || budget !== undefined ? (
        <ul class="strip-figures strip-more" aria-label="Your answers and the budget">
          {behind > 0 ? (
            <Figure
              to="/waiting"
              name={`${behind === 1 ? 'ticket' : 'tickets'} behind your answer`}
              figure={behind}
              tone="waiting"
            />
          ) : null}
          {budget === undefined ? null : <Spent budget={budget} />}
        </ul>
      ) : null}
    </section>
  );
}

/** Whether the work goes on, in one sentence. */
function Sentence({ work, working }: { work: WorkCounts | null; working: number }) {
  if (work === null) return <p class="strip-words dim">Counting the tasks …</p>;
  const { open_tasks: open, stopped_tasks: stopped } = work;
  const behind =
    stopped === 0 ? null : (
      <>
        {', '}
        <Link to="/waiting" class="amber">
          {stopped === open && open > 1 ? 'all' : stopped} behind your answer
        </Link>
      </>
    );
  if (open === 0) return <p class="strip-words dim">No task is open.</p>;
  if (working === 0)
    return (
      <p class="strip-words">
        <Link to="/agents" class="strip-stops">
          Nothing works
        </Link>
        : <Link to="/board">{counted(open, 'task waits', 'tasks wait')}</Link>
        {behind}.
      </p>
    );
  return (
    <p class="strip-words">
      <Link to="/agents?state=working">{counted(working, 'agent works', 'agents work')}</Link>,{' '}
      <Link to="/board">{counted(open, 'task is', 'tasks are')} open</Link>
      {behind}.
    </p>
  );
}

function Figure({
  to,
  name,
  figure,
  tone = 'plain',
  more,
}: {
  to: string;
  name: ComponentChildren;
  figure: ComponentChildren;
  tone?: string;
  more?: ComponentChildren;
}) {
  return (
    <li>
      <Link to={to} class="strip-figure">
        <span class="strip-name">{name}</span> <span class={`strip-count n tone-${tone}`}>{figure}</span>
        {more}
      </Link>
    </li>
  );
}

/** A column of the board with its exact count and its limit. */
function Column({ column }: { column: BoardColumn }) {
  const { workflow, id, name, count, wip_limit, waiting: queue } = column;
  const full = fullness(column);
  return (
    <Figure
      to={`/board?workflow=${encodeURIComponent(workflow)}&column=${encodeURIComponent(id)}`}
      name={<bdi>{name}</bdi>}
      figure={
        <>
          {count}
          {wip_limit == null ? null : <span class="dim"> of {wip_limit}</span>}
        </>
      }
      tone={full === 'over' || isOverlay(column) ? 'bad' : count === 0 ? 'faint' : 'plain'}
      more={queue > 0 ? <span class="strip-note dim n"> {queue} in front</span> : null}
    />
  );
}

/** What is spent of a budget. */
function Spent({ budget }: { budget: Budget }) {
  const { scope, scope_id, period, level, spent_usd, spent_tokens, limit_usd, limit_tokens } = budget;
  return (
    <Figure
      to="/stats#budgets"
      name={
        <>
          spent{scope_id == null ? '' : <bdi> by {`${scope.replace('_', ' ')} ${scope_id}`}</bdi>}
          {period === 'once' ? '' : period === 'day' ? ' today' : ` this ${period}`}
        </>
      }
      figure={
        <>
          {amountOf(budget, spent_usd, spent_tokens)}
          <span class="dim"> of {amountOf(budget, limit_usd, limit_tokens)}</span>
        </>
      }
      tone={level === 'exceeded' ? 'bad' : level === 'warning' ? 'warn' : 'plain'}
    />
  );
}
