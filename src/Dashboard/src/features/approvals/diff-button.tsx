import type { Approval } from '../../api/types';
import { isBeside, toggle } from '../../ui/beside';
import { Leet } from '../../ui/leet';
import { hasDiff } from './approval';
import { Diff } from './diff';

/** Opens the changes of an approval beside the page. */
export function DiffButton({ approval }: { approval: Approval }) {
  if (!hasDiff(approval)) return null;
  const { id } = approval;
  const key = `diff ${id}`;
  return (
    <button
      type="button"
      class="act info"
      aria-label={`Changes of approval ${id}`}
      aria-expanded={isBeside(key)}
      onClick={() => toggle({ key, view: () => <Diff id={id} /> })}
    >
      <Leet text="± D1FF" />
    </button>
  );
}
