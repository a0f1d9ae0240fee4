import type { Agent } from '../../api/types';
import { goTo } from '../../ui/goto';
import { counted } from '../../ui/text/figures';

/** The number of an agent's pending reminders, on its row; a click leads to them. */
export function ReminderBadge({ agent: { name, pending_reminders: count } }: { agent: Agent }) {
  if (count === 0) return null;
  const words = `${counted(count, 'pending reminder')} of ${name}: see or cancel under Pending reminders`;
  return (
    <button
      type="button"
      class="badge info jump"
      aria-label={words}
      title={words}
      onClick={() => goTo(`[data-reminder-agent="${name}"]`) || goTo('#reminders')}
    >
      ◷ {count}
    </button>
  );
}
