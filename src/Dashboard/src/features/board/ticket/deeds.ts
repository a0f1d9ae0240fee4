import { api } from '../../../api/client';
import type { Task } from '../../../api/types';
import { type Action, perform } from '../../../ui/action';
import { askPalette } from '../../../ui/registry';
import { at, cancelTask, nameOf, retryTask, skipTask } from '../actions';
import { PRIORITIES } from '../deeds';
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

export function setTaskPriority(task: Task): Action {
  const set = (priority: string) => api.PATCH('/api/v1/tasks/{id}', { ...at(task.id), body: { priority } });
  return {
    id: 'task-priority',
    label: '⇅ PR10R1TY',
    of: of(task),
    run: async () =>
      askPalette({
        title: `The priority of task ${task.id}?`,
        entries: () =>
          PRIORITIES.filter((priority) => priority !== task.priority).map((priority) => ({
            id: `priority ${priority}`,
            title: priority.toLowerCase(),
            group: 'choice',
            run: () =>
              perform({
                id: 'task-priority',
                label: '⇅ PR10R1TY',
                of: of(task),
                run: () => set(priority),
                undo: () => set(task.priority),
              }),
          })),
      }),
  };
}

/** What can be done with a task in its state. */
export function taskActions(task: Task): Action[] {
  const { status } = task;
  if (status === 'completed') return [];
  if (isEnded(task)) return [retryTask(task), skipTask(task)];
  const agent = status === 'pending' ? null : (task.agent ?? null);
  return [
    ...(status === 'pending' ? [holdOrReleaseTask(task), skipTask(task)] : []),
    setTaskPriority(task),
    cancelTask(task, agent),
  ];
}
