import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { answerOf, api } from '../../../api/client';
import { words } from '../../../api/refusal';
import type { Task, TaskDetail, TaskRun } from '../../../api/types';
import { perform } from '../../../ui/action';
import { ActionButton } from '../../../ui/action-button';
import { Age } from '../../../ui/clock';
import { Fault } from '../../../ui/fault';
import { onKey } from '../../../ui/keys';
import { Label } from '../../../ui/label';
import { Link } from '../../../ui/link';
import { openPanel, Panel } from '../../../ui/panel';
import { durationText } from '../../../ui/text/figures';
import { AgentText } from '../../files';
import { at } from '../actions';
import { Cost, WaitsForYou } from '../card';
import { board } from '../store';
import { taskActions } from './deeds';
import { lookOf } from './look';
import { Said } from './said';

/** A task in the side panel: its state with the reasons, what can be done with it, its runs and its result. */
export function TaskPanel({ name }: { name: string }) {
  const id = Number(name);
  const [task, setTask] = useState<TaskDetail | null>(null);
  const [error, setError] = useState<string | null>(null);
  /** Counts the changes of the task since it was read. */
  const [changes, setChanges] = useState(0);
  const reads = board.reads.value;
  useEffect(() => {
    const stop = new AbortController();
    answerOf(api.GET('/api/v1/tasks/{id}', { ...at(id), signal: stop.signal })).then(
      (answer) => {
        setTask(answer);
        setError(null);
      },
      (e: unknown) => {
        if (!stop.signal.aborted) setError(words(e));
      },
    );
    return () => stop.abort();
  }, [id, reads, changes]);
  const ticket = task?.ticket;
  useEffect(() => {
    if (ticket === undefined) return;
    const nothing = () => {};
    return board.follow({
      ticket,
      card: nothing,
      removed: nothing,
      discovery: nothing,
      gate: nothing,
      artifact: nothing,
      review: nothing,
      thread: nothing,
      task: (changed) => {
        if (changed.id !== id) return;
        setTask((before) => (before === null ? null : { ...before, ...changed }));
        setChanges((count) => count + 1);
      },
      taskRemoved: (removed) => {
        if (removed === id) setError('it was removed with its ticket');
      },
    });
  }, [ticket, id]);
  const look = task === null ? null : lookOf(task);
  return (
    <Panel
      label={`Task ${name}`}
      feature="board"
      title={
        <>
          <span class="mono dim n">{name}</span> <bdi>{task?.title ?? ''}</bdi>
        </>
      }
    >
      <div class="task-panel">
        <Fault error={error === null ? null : `Task ${name} cannot be shown: ${error}`} />
        {task === null || look === null ? null : (
          <>
            <p>
              <span class={`tone-${look.tone}`}>
                <span aria-hidden="true">{look.glyph}</span> {look.word}
              </span>
              {task.agent == null ? null : (
                <>
                  {' · '}
                  <Link to={`/agents/${encodeURIComponent(task.agent)}`} class="link mono">
                    <bdi>{task.agent}</bdi>
                  </Link>
                </>
              )}
              {task.progress_percent == null ? null : <span class="n"> · {task.progress_percent} %</span>}
              {task.cost_usd == null ? null : (
                <>
                  {' '}
                  · <Cost usd={task.cost_usd} />
                </>
              )}
              {task.score == null ? null : <span class="dim n"> · score {task.score.toFixed(2)}</span>}
            </p>
            <WaitsForYou task={task.id} />
            <Actions task={task} />
            <Reasons task={task} />
            {task.progress == null || task.progress === '' ? null : (
              <Block title="it says">
                <AgentText text={task.progress} refs={[]} />
              </Block>
            )}
            {task.error_message == null || task.error_message === '' ? null : (
              <div class="note bad">
                <AgentText text={task.error_message} refs={[]} most={2000} />
              </div>
            )}
            {task.description === '' || task.description === undefined ? null : (
              <Block title="what is to be done">
                <AgentText text={task.description} refs={[]} most={2000} />
              </Block>
            )}
            <Facts task={task} />
            <Result task={task} />
            <Runs runs={task.runs ?? []} />
          </>
        )}
      </div>
    </Panel>
  );
}

function Actions({ task }: { task: Task }) {
  const actions = taskActions(task);
  useEffect(() => {
    const forget = actions.flatMap((action) =>
      action.key === undefined
        ? []
        : [
            onKey(
              action.key,
              () => {
                // Only from inside the panel: the place has these keys too.
                if (document.activeElement?.closest('.panel') == null) return false;
                void perform(action);
                return true;
              },
              'panel',
            ),
          ],
    );
    return () => {
      for (const one of forget) one();
    };
  }, [task]);
  return actions.length === 0 ? null : (
    <div class="ticket-actions" role="group" aria-label={`What can be done with task ${task.id}`}>
      {actions.map((action) => (
        <ActionButton key={action.id} action={action} />
      ))}
    </div>
  );
}

function Block({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="task-block" aria-label={title}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

/** Why it is not given to an agent, each with its reason. */
function Reasons({ task: { holds, needs } }: { task: TaskDetail }) {
  return holds.length === 0 && needs == null ? null : (
    <Block title="why it waits">
      <ul>
        {needs == null ? null : (
          <li>
            <span class="dim">nobody can do it:</span> it needs <bdi>{needs}</bdi>
          </li>
        )}
        {holds.map(({ hold, reason }) => (
          <li key={hold}>
            <span class="dim">{hold.replaceAll('_', ' ')}:</span> <bdi>{reason}</bdi>
          </li>
        ))}
      </ul>
    </Block>
  );
}

function Facts({ task }: { task: Task }) {
  const { depends_on, deps, capabilities, wants_agent, retry_count, max_retries, timeout_seconds, faults } = task;
  return (
    <dl class="task-facts">
      <dt>priority</dt>
      <dd>{task.priority.toLowerCase()}</dd>
      <dt>type</dt>
      <dd class="mono">
        <bdi>{task.task_type}</bdi>
      </dd>
      <dt>needs</dt>
      <dd>
        <bdi>{capabilities.length === 0 ? 'nothing special' : capabilities.join(', ')}</bdi>
        {wants_agent == null ? null : (
          <>
            , only <bdi class="mono">{wants_agent}</bdi>
          </>
        )}
      </dd>
      {depends_on.length === 0 ? null : (
        <>
          <dt>after</dt>
          <dd>
            {depends_on.map((id) => (
              <button key={id} type="button" class="ref n" onClick={() => openPanel(`task:${id}`)}>
                {id}
              </button>
            ))}{' '}
            <span class="dim n">
              {deps.done} of {deps.total} done{deps.dead > 0 ? `, ${deps.dead} never will be` : ''}
            </span>
          </dd>
        </>
      )}
      <dt>tries</dt>
      <dd class="n">
        {retry_count} of {max_retries} used{faults > 0 ? `, ${faults} lost` : ''},{' '}
        {durationText(timeout_seconds * 1000)} each
      </dd>
    </dl>
  );
}

function Result({ task: { result } }: { task: TaskDetail }) {
  return result == null ? null : (
    <Block title="result">
      <AgentText text={result.summary} refs={[]} most={2000} />
      <Said of={result} />
    </Block>
  );
}

const endWords = ({ end, ended_at }: TaskRun): string =>
  end == null ? (ended_at == null ? 'under way' : 'ended') : end.replaceAll('_', ' ');

function Runs({ runs }: { runs: readonly TaskRun[] }) {
  return runs.length === 0 ? null : (
    <section class="task-block" aria-labelledby="task-runs">
      <h3 id="task-runs">
        <Label text="RUNS" />
      </h3>
      <ol class="runs">
        {runs.map((run) => (
          <li key={run.id} class="run">
            <span class="n dim">{run.id}</span>
            <bdi class="mono">{run.agent}</bdi>
            <span class={run.end == null || run.end === 'completed' || run.end === 'handed_off' ? '' : 'tone-warn'}>
              {endWords(run)}
            </span>
            <span class="dim n">
              <Age at={run.ended_at ?? run.started_at ?? run.claimed_at} />
            </span>
            {run.turn == null ? (
              <span />
            ) : (
              <Link to={`/agents/${encodeURIComponent(run.agent)}/turns/${run.turn}`} class="link n">
                turn {run.turn}
              </Link>
            )}
            {run.note == null || run.note === '' ? null : <bdi class="run-note dim">{run.note}</bdi>}
          </li>
        ))}
      </ol>
    </section>
  );
}
