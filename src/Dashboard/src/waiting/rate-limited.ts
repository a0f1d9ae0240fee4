import { cancelTurn, otherModel } from '../features/containers';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'rate_limited',
  name: 'rate limited',
  does: () => 'is rate limited',
  actions: ({ agent }) => (agent == null ? [] : [{ ...cancelTurn(agent), key: 'deny' }]),
  withText: ({ agent }) => (agent == null ? [] : [otherModel(agent)]),
};
