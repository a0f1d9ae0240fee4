import type { Discovery, Task, TaskEdge } from '../../../api/types';

/** A task's box and the gaps between boxes, in pixels. */
export const [WIDTH, HEIGHT, GAP_X, GAP_Y] = [176, 44, 44, 12] as const;

/** Where a task is drawn. */
export interface Placed {
  task: Task;
  layer: number;
  row: number;
  x: number;
  y: number;
}

export interface Drawing {
  nodes: readonly Placed[];
  edges: readonly (TaskEdge & { critical: boolean })[];
  width: number;
  height: number;
}

const isOver = ({ status }: Task): boolean => status === 'completed' || status === 'cancelled';

/** The edges of tasks: what each waits for, and what was found in which. Ends that are not there are left out. */
export function edgesOf(tasks: readonly Task[], discoveries: readonly TaskEdge[]): TaskEdge[] {
  const ids = new Set(tasks.map(({ id }) => id));
  const waits = tasks.flatMap((task) => task.depends_on.map((from) => ({ from, to: task.id, kind: 'dependency' })));
  return [...waits, ...discoveries].filter(({ from, to }) => ids.has(from) && ids.has(to));
}

/** The edges from tasks to those that were made of what was found in them. */
export const foundEdges = (discoveries: readonly Discovery[]): TaskEdge[] =>
  discoveries.flatMap(({ source_task: from, task: to }) => (to == null ? [] : [{ from, to, kind: 'discovery' }]));

/** The tasks in an order in which each comes after those that it waits for; a circle, which cannot be, is cut. */
function inOrder(tasks: readonly Task[], waits: ReadonlyMap<number, readonly number[]>): Task[] {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const left = new Map(tasks.map(({ id }) => [id, waits.get(id)?.length ?? 0]));
  const after = new Map<number, number[]>();
  for (const [to, all] of waits) for (const from of all) after.set(from, [...(after.get(from) ?? []), to]);
  const ready = tasks.filter(({ id }) => left.get(id) === 0).map(({ id }) => id);
  const order: Task[] = [];
  for (let at = 0; at < ready.length; at++) {
    const task = byId.get(ready[at] ?? -1);
    if (task === undefined) continue;
    order.push(task);
    for (const to of after.get(task.id) ?? []) {
      const rest = (left.get(to) ?? 0) - 1;
      left.set(to, rest);
      if (rest === 0) ready.push(to);
    }
  }
  const placed = new Set(order);
  return [...order, ...tasks.filter((task) => !placed.has(task))];
}

/** The tasks that each task waits for. */
function waitsOf(edges: readonly TaskEdge[]): Map<number, number[]> {
  const waits = new Map<number, number[]>();
  for (const { from, to, kind } of edges)
    if (kind === 'dependency' && from !== to) waits.set(to, [...(waits.get(to) ?? []), from]);
  return waits;
}

/** The longest chain of tasks that are not over, in order: its end cannot come before all of them are. */
export function criticalPath(tasks: readonly Task[], edges: readonly TaskEdge[]): number[] {
  const open = tasks.filter((task) => !isOver(task));
  const ids = new Set(open.map(({ id }) => id));
  const waits = waitsOf(edges.filter(({ from, to }) => ids.has(from) && ids.has(to)));
  const best = new Map<number, { length: number; before: number | null }>();
  let end: number | null = null;
  for (const { id } of inOrder(open, waits)) {
    let own = { length: 1, before: null as number | null };
    for (const from of waits.get(id) ?? []) {
      const length = (best.get(from)?.length ?? 0) + 1;
      if (length > own.length) own = { length, before: from };
    }
    best.set(id, own);
    if (own.length > (best.get(end ?? -1)?.length ?? 0)) end = id;
  }
  const path: number[] = [];
  for (let at: number | null = end; at !== null && !path.includes(at); at = best.get(at)?.before ?? null) path.push(at);
  // A single task is not a path.
  return path.length < 2 ? [] : path.reverse();
}

/**
 * Draws tasks in layers from left to right: each to the right of the tasks that it waits for, and near their rows.
 */
export function drawingOf(tasks: readonly Task[], discoveries: readonly TaskEdge[]): Drawing {
  const edges = edgesOf(tasks, discoveries);
  // A discovered task stands to the right of its source, unless it has dependencies: the source may wait for it.
  const bound = new Set(edges.flatMap(({ from, to, kind }) => (kind === 'dependency' ? [from, to] : [])));
  const waits = waitsOf(edges.map((edge) => (bound.has(edge.to) ? edge : { ...edge, kind: 'dependency' })));
  const layers: Task[][] = [];
  const layerOf = new Map<number, number>();
  for (const task of inOrder(tasks, waits)) {
    const layer = Math.max(-1, ...(waits.get(task.id) ?? []).map((from) => layerOf.get(from) ?? -1)) + 1;
    layerOf.set(task.id, layer);
    layers[layer] = [...(layers[layer] ?? []), task];
  }
  const rowOf = new Map<number, number>();
  for (const layer of layers) {
    const middle = ({ id }: Task): number => {
      const rows = (waits.get(id) ?? []).map((from) => rowOf.get(from) ?? 0);
      return rows.length === 0 ? Number.POSITIVE_INFINITY : rows.reduce((sum, row) => sum + row, 0) / rows.length;
    };
    const sorted = layer
      .map((task) => ({ task, at: middle(task) }))
      .sort((a, b) => (a.at === b.at ? a.task.id - b.task.id : a.at - b.at));
    for (const [row, { task }] of sorted.entries()) rowOf.set(task.id, row);
  }
  const path = criticalPath(tasks, edges);
  const steps = new Set(path.slice(1).map((to, i) => `${path[i]} ${to}`));
  const nodes = tasks.map((task) => {
    const [layer, row] = [layerOf.get(task.id) ?? 0, rowOf.get(task.id) ?? 0];
    return { task, layer, row, x: layer * (WIDTH + GAP_X), y: row * (HEIGHT + GAP_Y) };
  });
  return {
    nodes,
    edges: edges.map((edge) => ({
      ...edge,
      critical: edge.kind === 'dependency' && steps.has(`${edge.from} ${edge.to}`),
    })),
    width: Math.max(0, ...nodes.map(({ x }) => x + WIDTH)),
    height: Math.max(0, ...nodes.map(({ y }) => y + HEIGHT)),
  };
}

/** The line of an edge, from the right side of a box to the left side of another one. */
export function lineOf(from: Placed, to: Placed): string {
  const [x1, y1, x2, y2] = [from.x + WIDTH, from.y + HEIGHT / 2, to.x, to.y + HEIGHT / 2];
  if (x2 <= x1) return `M${from.x + WIDTH / 2} ${from.y + HEIGHT}L${to.x + WIDTH / 2} ${to.y}`;
  const bend = Math.min(GAP_X, (x2 - x1) / 2);
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}
