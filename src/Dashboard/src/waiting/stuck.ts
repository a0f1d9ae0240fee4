import { cancelTurn, otherModel } from '../features/containers';
import type { WaitingKind } from '../ui/registry';

export const kind: WaitingKind = {
  kind: 'stuck',
  name: 'stuck',
  does: () => 'has been silent for a long time',
  actions: ({ agent }) => (agent == null ? [] : [{ ...cancelTurn(agent), key: 'deny' }]),
  withText: ({ agent }) => (agent == null ? [] : [otherModel(agent)]),
};
