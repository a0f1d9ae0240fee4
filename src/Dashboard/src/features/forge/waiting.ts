import { api } from '../../api/client';
import type { Action } from '../../ui/action';

/** Pushes what the forge has not. */
export const sync = (): Action => ({
  id: 'sync forge',
  label: '↻ SYNC',
  of: 'to the forge',
  key: 'approve',
  weight: 'primary',
  run: () => api.POST('/api/forge/sync'),
});
