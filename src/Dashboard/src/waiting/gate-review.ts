import { failReview, namedBy, passReview } from '../features/board';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'gate_review',
  name: 'gate',
  does: () => 'A gate needs your verdict',
  draft: ({ id }) => `review:${id}`,
  actions: (row) => [passReview(namedBy(row))],
  withText: (row) => [failReview(namedBy(row))],
};
