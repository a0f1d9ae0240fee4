import { api } from '../../api/client';
import type { Action } from '../../ui/action';
import type { WithText } from '../../ui/registry';

/** The actions that the list of waiting things offers; all others come with the board's own code. */

/** The request of one ticket, task or review. */
export const at = (id: number) => ({ params: { path: { id } } });

/** A thing by its number and its title, as the words of an action name it. */
export interface Named {
  id: number;
  title: string;
  /** When its approval is decided by itself. */
  approval_deadline_at?: string;
}

export const nameOf = ({ id, title }: Named): string => `${id}: ${title}`;

export const approveTicket = (ticket: Named): Action => ({
  id: 'approve-ticket',
  label: '◆ APPR0VE',
  of: `ticket ${nameOf(ticket)}`,
  key: 'approve',
  weight: 'primary',
  hold: true,
  things: [`ticket ${ticket.id}`],
  deadline: ticket.approval_deadline_at,
  to: `/tickets/${ticket.id}`,
  run: () => api.POST('/api/v1/tickets/approve', { body: { ticket_id: ticket.id } }),
});

export const rejectTicket = (ticket: Named): WithText => {
  const of = `ticket ${nameOf(ticket)}`;
  return {
    id: 'reject-ticket',
    label: '✗ R3J3CT',
    of,
    key: 'deny',
    weight: 'danger',
    target: `reject:${ticket.id}`,
    placeholder: 'why it is rejected',
    what: 'a reason',
    reader: '*',
    action: (reason) => ({
      id: 'reject-ticket',
      label: '✗ R3J3CT',
      of,
      weight: 'danger',
      hold: true,
      things: [`ticket ${ticket.id}`],
      deadline: ticket.approval_deadline_at,
      to: `/tickets/${ticket.id}`,
      text: reason,
      run: () => api.POST('/api/v1/tickets/reject', { body: { ticket_id: ticket.id, rejection_reason: reason } }),
    }),
  };
};

export const unblock = (ticket: Named): Action => ({
  id: 'unblock',
  label: '⊙ UNBL0CK',
  of: `ticket ${nameOf(ticket)}`,
  key: 'block',
  run: () => api.POST('/api/v1/tickets/{id}/unblock', at(ticket.id)),
});

export const retryTask = (task: Named): Action => ({
  id: 'retry-task',
  label: '↻ R3TRY',
  of: `task ${nameOf(task)}`,
  key: 'approve',
  weight: 'primary',
  run: () => api.POST('/api/v1/tasks/{id}/retry', at(task.id)),
});

/** Lets a task that is held be given to an agent. */
export const releaseTask = (task: Named): Action => ({
  id: 'release-task',
  label: '▶ R3L34S3',
  of: `task ${nameOf(task)}`,
  key: 'hold',
  run: () => api.POST('/api/v1/tasks/{id}/release', at(task.id)),
});

/** Ends a task as if it were completed: what waits for it goes on. */
export const skipTask = (task: Named): Action => ({
  id: 'skip-task',
  label: '⇥ SK1P',
  of: `task ${nameOf(task)}`,
  key: 'done',
  hold: true,
  things: [`task ${task.id}`],
  run: () => api.POST('/api/v1/tasks/{id}/skip', at(task.id)),
});

/** Cancels a task; where an agent works on it, its turn ends. */
export const cancelTask = (task: Named, agent: string | null): Action => ({
  id: 'cancel-task',
  label: '■ C4NC3L T4SK',
  of: nameOf(task),
  key: 'deny',
  weight: 'danger',
  ...(agent === null
    ? { hold: true, things: [`task ${task.id}`] }
    : {
        confirm: {
          title: `Cancel task ${task.id}?`,
          text: `${agent} works on it: its turn ends at once, and what waits for the task is held.`,
          yes: `Cancel task ${task.id}`,
          no: `Let ${agent} finish`,
        },
      }),
  run: () => api.POST('/api/v1/tasks/{id}/cancel', at(task.id)),
});

export const passReview = (review: Named): Action => ({
  ...passInPlace(review),
  key: 'approve',
  weight: 'primary',
});

/** Passes a review that a validator has, beside the one that waits for the operator. */
export const passInPlace = (review: Named): Action => ({
  id: 'pass-review',
  label: '✓ P4SS',
  of: `review ${nameOf(review)}`,
  hold: true,
  things: [`review ${review.id}`],
  run: () => api.POST('/api/v1/reviews/{id}/decide', { ...at(review.id), body: { verdict: 'passed' } }),
});

export const failReview = (review: Named): WithText => {
  const of = `review ${nameOf(review)}`;
  return {
    id: 'fail-review',
    label: '✗ F41L',
    of,
    key: 'deny',
    weight: 'danger',
    target: `review:${review.id}`,
    placeholder: 'what has to change',
    what: 'feedback',
    reader: '*',
    action: (feedback) => ({
      id: 'fail-review',
      label: '✗ F41L',
      of,
      weight: 'danger',
      hold: true,
      things: [`review ${review.id}`],
      text: feedback,
      run: () => api.POST('/api/v1/reviews/{id}/decide', { ...at(review.id), body: { verdict: 'failed', feedback } }),
    }),
  };
};
