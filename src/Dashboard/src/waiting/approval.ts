import { approve, denialDraft, deny } from '../features/approvals';
import { Part } from '../ui/part';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'approval',
  name: 'approval',
  does: () => 'needs your approval',
  view: new Part(async () => (await import('../features/approvals/waiting-approval')).ApprovalDetail),
  draft: denialDraft,
  actions: (row) => [approve(row)],
  withText: (row) => [deny(row)],
};
