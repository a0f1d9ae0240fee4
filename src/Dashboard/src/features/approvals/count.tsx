import { approvals } from './store';

/** The number of changes that wait for the operator. */
export function ChangesCount() {
  const count = approvals.waiting.value;
  return count === 0 ? null : (
    <span class="amber n">
      {count}
      <span class="hidden"> waiting</span>
    </span>
  );
}
