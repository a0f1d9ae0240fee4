import type { Handlers } from '../../stream/picture';
import type { NewsOf } from '../../ui/feature';
import { whatIsAsked } from './approval';
import type { Approvals } from './store';

export function eventsOf(approvals: Approvals): Handlers {
  return {
    approval_added: ({ approval }) => approvals.put(approval),
    approval_changed: ({ approval }) => approvals.put(approval),
    approval_resolved: ({ approval }) => approvals.resolve(approval),
  };
}

/** A request is worth a notification, unless the operator has made it. */
export const news: NewsOf = {
  approval_added: ({ approval }) =>
    approval.requester === 'operator'
      ? null
      : {
          title: 'Approval requested',
          body: `${whatIsAsked(approval)}\n${approval.description ?? ''}`,
          tag: `approval-${approval.id}`,
        },
};
