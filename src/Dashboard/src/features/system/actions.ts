import { answerOf, api, WITH_ANSWER } from '../../api/client';
import type { Action } from '../../ui/action';

/** Runs the checks of the doctor again: what works now waits no longer. */
export const checkAgain = (id: string): Action => ({
  id: 'check-again',
  label: '↻ R34D 4G41N',
  of: id,
  key: 'approve',
  run: () => api.GET('/api/doctor'),
});

/** Checks again how much is free on the disk of the data folder; refused while it is too little. */
export const checkDisk = (): Action => ({
  id: 'check-disk',
  label: '↻ R34D 4G41N',
  of: 'the free space',
  key: 'approve',
  weight: 'primary',
  run: async () => {
    const { enough, detail } = await answerOf(api.POST('/api/disk/check', { headers: WITH_ANSWER }));
    if (!enough) throw new Error(`There is still too little space: ${detail ?? 'free some'}.`);
  },
});
