import { describe, expect, test } from 'vitest';
import { task } from '../../../test/board-rows';
import { criticalPath, drawingOf, edgesOf, HEIGHT, lineOf, type Placed, WIDTH } from './graph';

const needs = (id: number, ...depends_on: number[]) => task(id, { depends_on });
const layersOf = (nodes: readonly Placed[]) => Object.fromEntries(nodes.map(({ task: { id }, layer }) => [id, layer]));

describe('the drawing of tasks', () => {
  test('has each task to the right of everything that it waits for', () => {
    const { nodes } = drawingOf([needs(4, 2, 3), needs(2, 1), needs(1), needs(3), needs(5, 4, 1)], []);
    expect(layersOf(nodes)).toEqual({ 1: 0, 3: 0, 2: 1, 4: 2, 5: 3 });
  });

  test('has no two tasks in one place, and all of them inside', () => {
    const tasks = Array.from({ length: 1000 }, (_, i) => needs(i + 1, ...(i < 5 ? [] : [i - 4, Math.ceil(i / 2)])));
    const { nodes, width, height } = drawingOf(tasks, []);
    expect(new Set(nodes.map(({ x, y }) => `${x} ${y}`)).size).toBe(1000);
    for (const { x, y } of nodes) expect(x + WIDTH <= width && y + HEIGHT <= height).toBe(true);
    const layers = layersOf(nodes);
    for (const { id, depends_on } of tasks)
      for (const from of depends_on) expect(layers[from]).toBeLessThan(layers[id] ?? -1);
  });

  test('has what was found in a task to the right of that task', () => {
    const { nodes } = drawingOf([needs(1), needs(2)], [{ from: 2, to: 1, kind: 'discovery' }]);
    expect(layersOf(nodes)).toEqual({ 2: 0, 1: 1 });
  });

  test('has what was found in a task to the left of it when the task waits for that', () => {
    const { nodes } = drawingOf([needs(1, 2), needs(2)], [{ from: 1, to: 2, kind: 'discovery' }]);
    expect(layersOf(nodes)).toEqual({ 2: 0, 1: 1 });
  });

  test('keeps a chain in one row', () => {
    const { nodes } = drawingOf([needs(1), needs(2), needs(3, 2), needs(4, 3)], []);
    const rows = Object.fromEntries(nodes.map(({ task: { id }, row }) => [id, row]));
    expect([rows[1], rows[2]]).toEqual([0, 1]);
    expect([rows[3], rows[4]]).toEqual([0, 0]);
  });

  test('survives a circle and a task that waits for one that is not there', () => {
    const { nodes, edges } = drawingOf([needs(1, 2), needs(2, 1), needs(3, 99), needs(4, 4)], []);
    expect(nodes).toHaveLength(4);
    expect(edges.map(({ from, to }) => `${from}→${to}`)).toEqual(['2→1', '1→2', '4→4']);
  });

  test('of no tasks is empty', () => {
    expect(drawingOf([], [])).toEqual({ nodes: [], edges: [], width: 0, height: 0 });
  });

  test('has a line between two boxes that faces the way of the work', () => {
    const { nodes } = drawingOf([needs(1), needs(2, 1)], []);
    const [a, b] = nodes as [Placed, Placed];
    expect(lineOf(a, b)).toMatch(new RegExp(`^M${WIDTH} ${HEIGHT / 2}C.* ${b.x} ${HEIGHT / 2}$`));
  });
});

describe('the critical path', () => {
  const path = (...tasks: readonly ReturnType<typeof task>[]) => criticalPath(tasks, edgesOf(tasks, []));

  test('is the longest chain of what is not over', () => {
    expect(path(needs(1), needs(2, 1), needs(3, 2), needs(4), needs(5, 4, 3))).toEqual([1, 2, 3, 5]);
  });

  test('leaves out what is over', () => {
    const done = { status: 'completed' };
    expect(path(task(1, done), needs(2, 1), needs(3, 2), needs(4))).toEqual([2, 3]);
    expect(path(task(1, done), needs(2, 1))).toEqual([]);
  });

  test('does not follow discoveries', () => {
    const tasks = [needs(1), needs(2)];
    expect(criticalPath(tasks, edgesOf(tasks, [{ from: 1, to: 2, kind: 'discovery' }]))).toEqual([]);
  });
});
