import { api } from '../../api/client';
import type { Action } from '../../ui/action';

/** Runs the checks of the doctor again: what works now waits no longer. */
export const checkAgain = (id: string): Action => ({
  id: 'check-again',
  label: '↻ R34D 4G41N',
  of: id,
  key: 'approve',
  run: () => api.GET('/api/doctor'),
});
