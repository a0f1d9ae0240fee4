import { cancelTask, namedBy } from '../features/board';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'task_unservable',
  name: 'task for nobody',
  does: () => 'No agent can do a task',
  actions: (row) => [cancelTask(namedBy(row), null)],
};
