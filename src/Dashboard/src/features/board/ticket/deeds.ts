import { api } from '../../../api/client';
import type { Task } from '../../../api/types';
import type { Action } from '../../../ui/action';
import { at, cancelTask, nameOf, retryTask, skipTask } from '../actions';
import { choosePriority } from '../deeds';
import { isEnded } from '../store';

const of = (task: Task): string => `task ${nameOf(task)}`;

/** Keeps a task from being given to an agent, or lets it be. */
export function holdOrReleaseTask(task: Task): Action {
  const held = task.holds.some(({ hold }) => hold === 'operator');
  const set = (on: boolean) =>
    on ? api.POST('/api/v1/tasks/{id}/hold', at(task.id)) : api.POST('/api/v1/tasks/{id}/release', at(task.id));
  return {
    id: 'hold-task',
    label: held ? '▶ R3L34S3' : '‖ H0LD',
    of: of(task),
    key: 'hold',
    run: () => set(!held),
    undo: () => set(held),
  };
}

const setTaskPriority = (task: Task): Action =>
  choosePriority('task', task, (priority) => api.PATCH('/api/v1/tasks/{id}', { ...at(task.id), body: { priority } }));

/** The actions that fit a task's state. */
export function taskActions(task: Task): Action[] {
  const { status } = task;
  if (status === 'completed') return [];
  // A review is not skipped: it is decided.
  const skip = task.kind === 'review' ? [] : [skipTask(task)];
  if (isEnded(task)) return [retryTask(task), ...skip];
  const agent = status === 'assigned' || status === 'running' ? (task.agent ?? null) : null;
  return [
    ...(status === 'pending' ? [holdOrReleaseTask(task), ...skip] : []),
    setTaskPriority(task),
    cancelTask(task, agent),
  ];
}
