import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Discovery, Task, TaskEdge, Thread, Waiting } from '../../../api/types';
import { Age } from '../../../ui/clock';
import { Link } from '../../../ui/link';
import { openMenu } from '../../../ui/menu';
import { openPanel } from '../../../ui/panel';
import { Rows } from '../../../ui/rows';
import { visible } from '../../../ui/text/visible';
import { waiting } from '../../waiting';
import { Priority } from '../card';
import { waitingAddress } from '../columns';
import { taskActions } from './deeds';
import { drawingOf, foundEdges, HEIGHT, lineOf, type Placed, WIDTH } from './graph';
import { holdsText, lookOf, spokenTask } from './look';
import { Part } from './parts';

const LIST = 'ticket-tasks';

/** The order of the states in the list: what is under way first, what has ended last. */
const ORDER: readonly string[] = ['running', 'reviewing', 'assigned', 'failed', 'pending', 'completed', 'cancelled'];
const byState = (a: Task, b: Task): number => ORDER.indexOf(a.status) - ORDER.indexOf(b.status) || a.id - b.id;

/** Scrolls the place to the row that has the focus once it is drawn: the list scrolls by itself, the place does not. */
const followFocus = (): void =>
  void requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      const at = document.activeElement;
      if (at?.closest(`#${LIST}`) != null) at.scrollIntoView({ block: 'nearest' });
    }),
  );

const openTask = (id: number): void => openPanel(`task:${id}`);

/** The tasks of a ticket: how they depend on each other, and what each stands at. */
export function TasksPart({
  tasks,
  discoveries,
  threads,
}: {
  tasks: readonly Task[];
  discoveries: readonly Discovery[];
  threads: readonly Thread[];
}) {
  const [selected, setSelected] = useState<string | null>(null);
  const rows = useMemo(() => tasks.toSorted(byState), [tasks]);
  const found = useMemo(() => foundEdges(discoveries), [discoveries]);
  const ended = tasks.filter(({ status }) => status === 'completed').length;
  return (
    <Part
      id="tasks"
      title="T4SKS"
      aside={
        tasks.length === 0 ? null : (
          <span class="dim n">
            {ended} of {tasks.length} completed
          </span>
        )
      }
    >
      {tasks.length > 1 ? <Graph tasks={tasks} discoveries={found} selected={Number(selected)} /> : null}
      <Rows
        id={LIST}
        class="task-list"
        label="Tasks"
        rows={rows}
        keyOf={(task) => String(task.id)}
        nameOf={spokenTask}
        height={44}
        current={selected}
        onCurrent={(task) => {
          setSelected(task === null ? null : String(task.id));
          followFocus();
        }}
        onOpen={(task) => openTask(task.id)}
        onActions={(task, at) => openMenu(`What can be done with task ${task.id}`, taskActions(task), at)}
        view={(task) => <Line task={task} offeredTo={offeredTo(task, threads)} />}
        empty={<p class="dim">No tasks yet: they are made when the ticket enters a phase that has some.</p>}
      />
    </Part>
  );
}

/** The line below a task's title: why it is held, how far it is, why it failed. */
function told(task: Task): string {
  if (task.status === 'pending' && task.holds.length > 0) {
    const reasons = holdsText(task);
    return reasons === lookOf(task).word ? '' : reasons;
  }
  if (task.status === 'failed') return task.error_message ?? '';
  if (task.status === 'pending') return task.error_message ?? '';
  return task.progress ?? '';
}

/** The agent that is asked to take a task over. */
const offeredTo = ({ id }: Task, threads: readonly Thread[]): string | undefined =>
  threads.find(({ task, handoff }) => task === id && handoff?.status === 'requested')?.handoff?.to_agent;

/** Links to the questions and approvals without which a task does not go on. */
const stopOf = ({ id }: Task): Waiting | undefined => waiting.all.value.find(({ tasks }) => tasks?.includes(id));

/** A task that stands still until the operator decides something. */
const STOPPED = { glyph: '◇', tone: 'waiting', word: 'waits for you' };

function Line({ task, offeredTo }: { task: Task; offeredTo: string | undefined }) {
  const stops = stopOf(task);
  const { glyph, tone, word } = stops === undefined ? lookOf(task) : STOPPED;
  const percent = task.status === 'running' ? task.progress_percent : null;
  const offer = offeredTo === undefined ? '' : `offered to ${offeredTo}`;
  const more = [offer, stops?.title ?? '', told(task)].filter((text) => text !== '').join(' · ');
  return (
    <div class="task-line" data-opens={`task:${task.id}`}>
      <span class={`tone-${tone} task-glyph`} title={word} aria-hidden="true">
        {glyph}
      </span>
      <span class="task-title">
        <span class="mono dim n">{task.id}</span> <bdi>{task.title}</bdi> <Priority priority={task.priority} />
      </span>
      <span class={`task-state ${stops === undefined ? '' : 'amber'}`}>
        {stops === undefined ? (
          word
        ) : (
          <Link to={waitingAddress(stops.key)} class="link" stop={false}>
            {word}
          </Link>
        )}
        {percent == null ? null : <span class="n"> {percent} %</span>}
      </span>
      <bdi class="mono task-agent">{task.agent ?? ''}</bdi>
      <span class="dim n task-age">
        <Age at={task.completed_at ?? task.started_at ?? task.created_at} />
      </span>
      {more === '' ? null : (
        <bdi class={`task-more ${task.status === 'failed' ? 'tone-bad' : ''}`} title={more}>
          {more}
        </bdi>
      )}
    </div>
  );
}

/** Boxes beyond the shown part by so much are drawn too. */
const MARGIN_PX = 400;

/** The shown part of what scrolls. */
function useView(scroller: RefObject<HTMLElement | null>) {
  const [view, setView] = useState({ left: 0, top: 0, right: 2000, bottom: 1000 });
  const look = () => {
    const el = scroller.current;
    if (el === null) return;
    const { scrollLeft: left, scrollTop: top, clientWidth, clientHeight } = el;
    setView({ left, top, right: left + clientWidth, bottom: top + clientHeight });
  };
  useLayoutEffect(() => {
    look();
    const el = scroller.current;
    if (el === null) return;
    const resized = new ResizeObserver(look);
    resized.observe(el);
    return () => resized.disconnect();
  }, []);
  return { view, look };
}

/**
 * The tasks as a drawing from left to right, of which only the boxes in view are in the document. A screen reader has
 * the list below.
 */
function Graph({
  tasks,
  discoveries,
  selected,
}: {
  tasks: readonly Task[];
  discoveries: readonly TaskEdge[];
  selected: number;
}) {
  const scroller = useRef<HTMLElement>(null);
  const drawing = useMemo(() => drawingOf(tasks, discoveries), [tasks, discoveries]);
  const places = useMemo(() => new Map(drawing.nodes.map((node) => [node.task.id, node])), [drawing]);
  const { view, look } = useView(scroller);
  const lines = (wanted: (edge: (typeof drawing.edges)[number]) => boolean): string =>
    drawing.edges
      .filter(wanted)
      .map(({ from, to }) => {
        const [a, b] = [places.get(from), places.get(to)];
        return a === undefined || b === undefined ? '' : lineOf(a, b);
      })
      .join('');
  const paths = useMemo(
    () => ({
      plain: lines(({ kind, critical }) => kind === 'dependency' && !critical),
      critical: lines(({ critical }) => critical),
      found: lines(({ kind }) => kind !== 'dependency'),
    }),
    [drawing],
  );
  const shown = drawing.nodes.filter(
    ({ x, y }) =>
      x + WIDTH > view.left - MARGIN_PX &&
      x < view.right + MARGIN_PX &&
      y + HEIGHT > view.top - MARGIN_PX &&
      y < view.bottom + MARGIN_PX,
  );
  const chosen = places.get(selected);
  useEffect(() => {
    const el = scroller.current;
    if (el === null || chosen === undefined) return;
    const { scrollLeft, clientWidth, scrollTop, clientHeight } = el;
    if (chosen.x < scrollLeft || chosen.x + WIDTH > scrollLeft + clientWidth)
      el.scrollLeft = chosen.x - (clientWidth - WIDTH) / 2;
    if (chosen.y < scrollTop || chosen.y + HEIGHT > scrollTop + clientHeight)
      el.scrollTop = chosen.y - (clientHeight - HEIGHT) / 2;
  }, [chosen?.task.id, view.right - view.left]);
  if (drawing.edges.length === 0) return null;
  return (
    <section
      ref={scroller}
      class="graph"
      aria-label="Tasks by what they wait for; the list has them too"
      tabIndex={0}
      onScroll={look}
    >
      <svg
        width={drawing.width + 2}
        height={drawing.height + 2}
        viewBox={`-1 -1 ${drawing.width + 2} ${drawing.height + 2}`}
        aria-hidden="true"
      >
        <path class="edge" d={paths.plain} />
        <path class="edge found" d={paths.found} />
        <path class="edge critical" d={paths.critical} />
        {shown.map((node) => (
          <Node key={node.task.id} node={node} chosen={node.task.id === selected} />
        ))}
      </svg>
      {paths.critical === '' && paths.found === '' ? null : (
        <p class="legend" aria-hidden="true">
          {paths.critical === '' ? null : <span class="legend-critical">longest way to the end</span>}
          {paths.found === '' ? null : <span class="legend-found">found on the way</span>}
        </p>
      )}
    </section>
  );
}

/** The beginning of a text, with its invisible characters written out, since these need room too. */
function cut(text: string, most: number): string {
  const shown = visible(text);
  return shown.length > most ? `${shown.slice(0, most - 1)}…` : shown;
}

function Node({ node: { task, x, y }, chosen }: { node: Placed; chosen: boolean }) {
  const { glyph, tone, word } = stopOf(task) === undefined ? lookOf(task) : STOPPED;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the list has the same tasks for the keyboard
    <g
      class={`node ${task.status} ${chosen ? 'chosen' : ''}`}
      transform={`translate(${x} ${y})`}
      onClick={() => openTask(task.id)}
    >
      <title>{`${task.title} (${word}${task.holds.length === 0 ? '' : `: ${holdsText(task)}`})`}</title>
      <rect width={WIDTH} height={HEIGHT} rx="3" />
      <text x="10" y="18" class={`node-state tone-${tone}`}>
        {glyph} {task.id} {cut(task.agent ?? word, 16)}
      </text>
      <text x="10" y="35" class="node-title">
        {cut(task.title, 23)}
      </text>
    </g>
  );
}
