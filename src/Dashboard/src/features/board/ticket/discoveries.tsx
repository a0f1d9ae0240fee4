import { api } from '../../../api/client';
import type { Discovery } from '../../../api/types';
import type { Action } from '../../../ui/action';
import { ActionButton } from '../../../ui/action-button';
import { Age } from '../../../ui/clock';
import { openPanel } from '../../../ui/panel';
import { visible } from '../../../ui/text/visible';
import { at } from '../actions';
import { Part } from './parts';

const isOpen = ({ status }: Discovery): boolean => status === 'open' || status === 'in_progress';

const end = ({ id }: Discovery, status: 'resolved' | 'invalid', label: Action['label']): Action => ({
  id: `discovery-${status}`,
  label,
  of: `discovery ${id}`,
  run: () => api.POST('/api/v1/discoveries/{id}/resolve', { ...at(id), body: { status } }),
});

/** What agents found beside their tasks, the open ones first; nothing when there is nothing. */
export function Discoveries({ discoveries }: { discoveries: readonly Discovery[] }) {
  if (discoveries.length === 0) return null;
  const open = discoveries.filter(isOpen);
  const rows = discoveries.toSorted((a, b) => Number(isOpen(b)) - Number(isOpen(a)) || b.id - a.id);
  return (
    <Part id="discoveries" title="D1SC0V3R13S" aside={<span class="dim n">{open.length} open</span>}>
      <ul class="discoveries">
        {rows.map((row) => (
          <li key={row.id} class={isOpen(row) ? '' : 'dim'}>
            <p>
              <bdi class="mono">{row.type}</bdi> {row.status.replace('_', ' ')} · by <bdi class="mono">{row.by}</bdi>{' '}
              <Age at={row.at} /> ago in <TaskLink id={row.source_task} />
              {row.task == null ? null : (
                <>
                  {' '}
                  → <TaskLink id={row.task} />
                </>
              )}
            </p>
            <p>
              <bdi>{visible(row.description)}</bdi>
            </p>
            {isOpen(row) ? (
              <p>
                <ActionButton action={end(row, 'resolved', '✓ R3S0LV3D')} />{' '}
                <ActionButton action={end(row, 'invalid', '✗ 1NV4L1D')} />
              </p>
            ) : null}
          </li>
        ))}
      </ul>
    </Part>
  );
}

const TaskLink = ({ id }: { id: number }) => (
  <button type="button" class="ref n" data-opens={`task:${id}`} onClick={() => openPanel(`task:${id}`)}>
    task {id}
  </button>
);
