import type { Agent } from '../../api/types';
import { Link } from '../../ui/link';
import { counted } from '../../ui/text/figures';

/** The number of an agent's pending reminders, on its row, and the way to them. */
export function ReminderBadge({ agent: { name, pending_reminders: count } }: { agent: Agent }) {
  if (count === 0) return null;
  const words = `${counted(count, 'pending reminder')} of ${name}`;
  return (
    <Link
      to={`/waiting?show=reminders&agent=${encodeURIComponent(name)}`}
      class="badge info jump"
      label={words}
      hint={words}
    >
      ◷ {count}
    </Link>
  );
}
