import type { Approval } from '../../api/types';
import { Label } from '../../ui/label';
import { isOpen, togglePanel } from '../../ui/panel';
import { hasDiff } from './approval';

/** Opens the changes of an approval beside the page. */
export function DiffButton({ approval }: { approval: Approval }) {
  if (!hasDiff(approval)) return null;
  const { id } = approval;
  const key = `diff:${id}`;
  return (
    <button
      type="button"
      class="act info"
      aria-label={`Changes of approval ${id}`}
      aria-expanded={isOpen(key)}
      onClick={() => togglePanel(key)}
    >
      <Label text="± D1FF" />
    </button>
  );
}
