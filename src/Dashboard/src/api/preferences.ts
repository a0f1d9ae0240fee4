import { api } from './client';

/** Saves changed preferences in the Hive. */
export const savePreferences = (changed: object): Promise<unknown> =>
  (api.POST as (path: string, init: object) => Promise<unknown>)('/api/preferences', { body: changed });
