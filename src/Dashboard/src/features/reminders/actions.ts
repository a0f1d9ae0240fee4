import { api } from '../../api/client';
import type { Action } from '../../ui/action';

const path = (id: number) => ({ params: { path: { id } } });

export const retry = (id: number, agent: string): Action => ({
  id: 'retry reminder',
  label: '↻ R3TRY',
  of: `reminder ${id} of ${agent}`,
  key: 'approve',
  weight: 'primary',
  run: () => api.POST('/api/reminders/{id}/retry', path(id)),
});

/** The agent is not told that its reminder is gone. */
export const cancel = (id: number, agent: string): Action => ({
  id: 'cancel reminder',
  label: '✗ C4NC3L',
  of: `${id} of ${agent}`,
  key: 'deny',
  weight: 'danger',
  hold: true,
  run: () => api.POST('/api/reminders/{id}/cancel', path(id)),
});
