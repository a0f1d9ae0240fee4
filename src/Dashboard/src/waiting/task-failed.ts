import { namedBy, retryTask, skipTask } from '../features/board';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'task_failed',
  name: 'failed task',
  does: ({ agent }) => (agent == null ? 'A task failed' : 'failed a task'),
  actions: (row) => [retryTask(namedBy(row)), skipTask(namedBy(row))],
};
