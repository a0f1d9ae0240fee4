import { memo } from 'preact/compat';
import type { Approval } from '../../api/types';
import { Age } from '../../ui/clock';
import { AgentText } from '../files';
import { tagOf } from './approval';
import { What } from './card';
import { DiffButton } from './diff-button';

const CHARS = 400;
const TONES: Record<string, string> = { approved: 'good', denied: 'peer', failed: 'bad' };

/** The decided approvals, folded. */
export function Decided({ approvals }: { approvals: readonly Approval[] }) {
  if (approvals.length === 0) return null;
  return (
    <details class="history">
      <summary>
        decided <span class="dim">{approvals.length}</span>
      </summary>
      <ul class="rows scroll" tabIndex={0} aria-label="Decided approvals">
        {approvals.map((approval) => (
          <Row key={approval.id} approval={approval} />
        ))}
      </ul>
    </details>
  );
}

const Row = memo(function Row({ approval }: { approval: Approval }) {
  const { id, status, note, description, resolved_at } = approval;
  const tag = tagOf(approval);
  return (
    <li class={`row approval settled ${status}`} data-decided={id}>
      <div class="line">
        <What approval={approval} />
        <span class={`badge ${TONES[status] ?? 'dim'}`}>{status}</span>
        {tag === null ? null : (
          <span class="badge dim" title="The tag in its applied repository">
            ⌂ {tag}
          </span>
        )}
        {resolved_at == null ? null : (
          <span class="dim since">
            <Age at={resolved_at} /> ago
          </span>
        )}
      </div>
      {description == null || description === '' ? null : <AgentText text={description} refs={[]} most={CHARS} />}
      {note == null || note === '' ? null : (
        <div class={`given ${status === 'failed' ? 'bad' : ''}`}>
          <span class="dim">{status === 'failed' ? 'error:' : 'reason:'}</span>
          <AgentText text={note} refs={[]} most={CHARS} />
        </div>
      )}
      <div class="line actions">
        <span class="buttons">
          <DiffButton approval={approval} />
        </span>
      </div>
    </li>
  );
});
