import { namedBy, releaseTask, skipTask } from '../features/board';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'task_held',
  name: 'held task',
  does: ({ agent }) => (agent == null ? 'A task is held for you' : 'has a task that is held for you'),
  actions: (row) => [{ ...releaseTask(namedBy(row)), key: 'approve' }, skipTask(namedBy(row))],
};
