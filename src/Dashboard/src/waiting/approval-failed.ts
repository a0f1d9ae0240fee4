import { proposeAgainOf } from '../features/approvals';
import { see } from '../features/waiting';
import { Part } from '../ui/part';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'approval_failed',
  name: 'failed approval',
  does: () => 'was approved, and failed',
  view: new Part(async () => (await import('../features/approvals/waiting-approval')).FailedDetail),
  actions: (row) => [...proposeAgainOf(row), see(row)],
};
