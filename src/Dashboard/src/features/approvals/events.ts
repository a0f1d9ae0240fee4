import type { Handlers } from '../../stream/picture';
import type { Approvals } from './store';

export function eventsOf(approvals: Approvals): Handlers {
  return {
    approval_added: ({ approval }) => approvals.put(approval),
    approval_changed: ({ approval }) => approvals.put(approval),
    approval_resolved: ({ approval }) => approvals.resolve(approval),
    build_changed: ({ build }) => approvals.built(build),
  };
}
