import { api } from '../../api/client';
import type { Waiting } from '../../api/types';
import type { Action } from '../../ui/action';
import type { WithText } from '../../ui/registry';

const path = (row: Waiting) => ({ params: { path: { id: Number(row.id) } } });
const nameOf = ({ id, title }: Waiting): string => `${id}: ${title}`;

/** Approves what waits. */
export const approve = (row: Waiting): Action => ({
  id: 'approve',
  label: '◆ APPR0VE',
  of: nameOf(row),
  key: 'approve',
  weight: 'primary',
  run: () => api.POST('/api/approvals/{id}/approve', path(row)),
});

/** Denies it, with a reason for who asked if there is one. */
export const deny = (row: Waiting): WithText => ({
  id: 'deny',
  label: 'DENY',
  of: nameOf(row),
  key: 'deny',
  weight: 'danger',
  target: `deny:${row.id}.${row.since_at}`,
  placeholder: 'a reason (optional); who asked is told',
  optional: true,
  what: 'a reason',
  action: (note) => ({
    id: 'deny',
    label: 'DENY',
    of: nameOf(row),
    weight: 'danger',
    hold: true,
    run: () => api.POST('/api/approvals/{id}/deny', { ...path(row), body: note === '' ? {} : { note } }),
  }),
});
